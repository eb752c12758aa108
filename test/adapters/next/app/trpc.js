import { initTRPC } from '@trpc/server';
import { trpcSessions } from 'token-sessions/trpc';
import { sessions } from './sessions.js';

export const { createContext, responseMeta, requireSession } = trpcSessions(sessions);

const t = initTRPC.context().create();
const procedure = t.procedure.concat(requireSession);

export const router = t.router({
  me: procedure.query(({ ctx }) => ctx.session.data.userId),
  rename: procedure
    .input((theme) => String(theme))
    .mutation(({ ctx, input }) => {
      ctx.session.data.theme = input;
    }),
});
