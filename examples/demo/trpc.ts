import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { trpcSessions } from 'token-sessions/trpc';
import { z } from 'zod';
import type { DemoSessions } from './sessions.js';
import { isUser } from './users.js';

function createRouter({ createContext, withSession, requireSession }: ReturnType<typeof bind>) {
  const t = initTRPC.context<typeof createContext>().create({ isDev: false }); // No stack traces in answers.
  const publicProcedure = t.procedure.concat(withSession);
  const protectedProcedure = t.procedure.concat(requireSession);

  return t.router({
    login: publicProcedure
      .input(z.object({ name: z.string(), password: z.string() }))
      .mutation(async ({ ctx, input }) => {
        if (!isUser(input.name, input.password))
          throw new TRPCError({ code: 'UNAUTHORIZED', message: 'wrong name or password' });
        const session = await ctx.sessions.create({ userId: input.name });
        return { token: session.token };
      }),
    me: protectedProcedure.query(({ ctx }) => ctx.session.data),
    visit: protectedProcedure.mutation(async ({ ctx }) => {
      const { views } = await ctx.session.update((data) => {
        data.views += 1;
      });
      return views;
    }),
    setTheme: protectedProcedure.input(z.enum(['light', 'dark'])).mutation(({ ctx, input }) => {
      ctx.session.data.theme = input; // Saved when the procedure succeeds.
      return input;
    }),
    upgrade: protectedProcedure.mutation(({ ctx }) => {
      ctx.session.data.plan = 'pro'; // Dropped, because the procedure fails.
      throw new TRPCError({ code: 'FORBIDDEN', message: 'the card was declined' });
    }),
    renewToken: protectedProcedure.mutation(async ({ ctx }) => ({ token: await ctx.session.rotate() })),
    logout: protectedProcedure.mutation(({ ctx }) => ctx.session.destroy()),
  });
}

function bind(sessions: DemoSessions) {
  return trpcSessions(sessions);
}

export type AppRouter = ReturnType<typeof createRouter>;

/** Answers requests below `/trpc/`. */
export function trpcHandler(sessions: DemoSessions) {
  const bound = bind(sessions);
  const { createContext, responseMeta } = bound;
  return createHTTPHandler({ router: createRouter(bound), basePath: '/trpc/', createContext, responseMeta });
}
