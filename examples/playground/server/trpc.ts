import { initTRPC, TRPCError } from '@trpc/server';
import { trpcSessions } from 'token-sessions/trpc';
import { z } from 'zod';
import type { NewsDesk } from './news.js';
import { FRESH_FOR, type PlaygroundSessions } from './sessions.js';
import { isUser } from './users.js';

/** The router, and what a tRPC server needs besides it. */
export function trpcApp(sessions: PlaygroundSessions, news: NewsDesk) {
  const { createContext, responseMeta, errorFormatter, withSession, requireSession, requireFresh } =
    trpcSessions(sessions);
  // No stack traces in answers.
  const t = initTRPC.context<typeof createContext>().create({ errorFormatter, isDev: false });
  const publicProcedure = t.procedure.concat(withSession);
  const protectedProcedure = t.procedure.concat(requireSession);
  const freshProcedure = t.procedure.concat(requireFresh(FRESH_FOR));
  const credentials = z.object({ name: z.string(), password: z.string(), device: z.string() });

  const router = t.router({
    login: publicProcedure.input(credentials).mutation(async ({ ctx, input: { name, password, device } }) => {
      if (!isUser(name, password)) throw new TRPCError({ code: 'UNAUTHORIZED', message: 'wrong name or password' });
      await ctx.sessions.create({ userId: name, device });
    }),
    me: protectedProcedure.query(({ ctx }) => ctx.session.data),
    countUp: protectedProcedure.mutation(async ({ ctx }) => {
      const { count } = await ctx.session.update((data) => {
        data.count += 1;
      });
      news.counted(ctx.session.id, count);
      return count;
    }),
    devices: protectedProcedure.query(async ({ ctx }) => {
      const list = await ctx.sessions.list();
      return list.map(({ id, isCurrent, createdAt, data }) => ({ id, isCurrent, createdAt, device: data.device }));
    }),
    endDevice: protectedProcedure.input(z.string()).mutation(({ ctx, input }) => ctx.sessions.destroy(input)),
    rotate: protectedProcedure.mutation(async ({ ctx }) => {
      await ctx.session.rotate();
    }),
    confirm: protectedProcedure.input(z.string()).mutation(async ({ ctx, input }) => {
      if (!isUser(ctx.session.data.userId, input))
        throw new TRPCError({ code: 'FORBIDDEN', message: 'wrong password' });
      await ctx.session.rotate({ reauthenticated: true });
    }),
    recoveryCode: freshProcedure.query(() => '4821 0937'),
    logout: protectedProcedure.mutation(({ ctx }) => ctx.session.destroy()),
    logoutEverywhere: protectedProcedure.mutation(async ({ ctx }) => {
      await ctx.sessions.destroyOthers();
      await ctx.session.destroy();
    }),
    news: protectedProcedure.subscription(({ ctx, signal }) => news.follow(ctx.session, signal)),
  });

  return { router, createContext, responseMeta };
}

export type AppRouter = ReturnType<typeof trpcApp>['router'];
