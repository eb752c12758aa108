import { initTRPC } from '@trpc/server';
import { trpcSessions } from '../../dist/adapters/trpc/index.js';
import { createSessions, type SessionStore } from '../../dist/index.js';
import type { Contestant } from '../run/measure.ts';
import { type Account, forEachSession } from './accounts.ts';
import { bearer, overTrpc, userIdOf } from './over-trpc.ts';

/** Our sessions on a store: one contestant that reads, and one that reads and changes. */
export async function ours(where: string, store: SessionStore): Promise<{ read: Contestant; change: Contestant }> {
  const sessions = createSessions<Account>({ store });
  const { createContext, requireSession } = trpcSessions(sessions);
  const t = initTRPC.context<typeof createContext>().create();
  const guarded = t.procedure.concat(requireSession);
  const router = t.router({
    whoAmI: guarded.query(({ ctx }) => ctx.session.data.userId),
    visit: guarded.mutation(({ ctx }) => {
      ctx.session.data.views += 1;
      return ctx.session.data.userId;
    }),
  });
  const clients = await forEachSession(async (account) => bearer((await sessions.create(account)).token));
  const server = { router, createContext, clients, answer: userIdOf };
  return {
    read: overTrpc(`token-sessions on ${where}`, { ...server, path: 'whoAmI' }),
    change: overTrpc(`token-sessions on ${where}, read + changed`, { ...server, path: 'visit' }),
  };
}
