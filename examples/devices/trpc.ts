import { initTRPC, TRPCError } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { trpcSessions } from 'token-sessions/trpc';
import { z } from 'zod';
import type { DeviceSessions } from './sessions.js';

function createRouter({ createContext, withSession, requireSession, requireFresh }: ReturnType<typeof bind>) {
  const t = initTRPC.context<typeof createContext>().create();
  const publicProcedure = t.procedure.concat(withSession);
  const protectedProcedure = t.procedure.concat(requireSession);
  // For actions that a thief of the device must not be able to do. They require a password that
  // was entered in the last five minutes.
  const freshProcedure = t.procedure.concat(requireFresh('5m'));

  return t.router({
    login: publicProcedure
      .input(z.object({ userId: z.string(), device: z.string() }))
      .mutation(async ({ ctx, input }) => {
        const { token } = await ctx.sessions.create(input);
        return token;
      }),
    devices: protectedProcedure.query(async ({ ctx }) => {
      const list = await ctx.sessions.list();
      return list.map(({ id, isCurrent, data }) => ({ id, isCurrent, device: data.device }));
    }),
    endDevice: protectedProcedure.input(z.string()).mutation(({ ctx, input }) => ctx.sessions.destroy(input)),
    confirmPassword: protectedProcedure.input(z.string()).mutation(async ({ ctx, input }) => {
      if (input !== 'correct horse') throw new TRPCError({ code: 'FORBIDDEN', message: 'wrong password' });
      return ctx.session.rotate({ reauthenticated: true, immediate: true });
    }),
    changeEmail: freshProcedure.input(z.email()).mutation(({ input }) => input),
    logout: protectedProcedure.mutation(({ ctx }) => ctx.session.destroy()),
  });
}

function bind(sessions: DeviceSessions) {
  return trpcSessions(sessions);
}

export type DeviceRouter = ReturnType<typeof createRouter>;

/** Answers requests below `/trpc/`. */
export function trpcHandler(sessions: DeviceSessions) {
  const bound = bind(sessions);
  return createHTTPHandler({ router: createRouter(bound), basePath: '/trpc/', createContext: bound.createContext });
}
