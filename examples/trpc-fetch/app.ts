import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSessions } from 'token-sessions';
import { trpcSessions } from 'token-sessions/trpc';

const sessions = createSessions<{ userId: string; views: number }>();
const { createContext, responseMeta, withSession, requireSession } = trpcSessions(sessions);

const t = initTRPC.context<typeof createContext>().create();
const publicProcedure = t.procedure.concat(withSession);
const protectedProcedure = t.procedure.concat(requireSession);

const router = t.router({
  // A real login checks a password here.
  login: publicProcedure.mutation(async ({ ctx }) => {
    const { token } = await ctx.sessions.create({ userId: 'ada', views: 0 });
    return { token };
  }),
  visit: protectedProcedure.mutation(({ ctx }) =>
    ctx.session.update((data) => {
      data.views += 1;
    }),
  ),
  logout: protectedProcedure.mutation(({ ctx }) => ctx.session.destroy()),
});

export type AppRouter = typeof router;

/** For any server with `fetch` handlers: Next.js, Hono, Bun, Deno … */
export default {
  fetch: (req: Request) => fetchRequestHandler({ endpoint: '/trpc', req, router, createContext, responseMeta }),
};
