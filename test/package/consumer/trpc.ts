import { initTRPC } from '@trpc/server';
import type { NewSession, Session } from 'token-sessions';
import { trpcSessions } from 'token-sessions/trpc';
import { type Data, sessions } from './core.js';
import { holds, type Same } from './same.js';

const { createContext, responseMeta, withSession, requireSession, requireFresh } = trpcSessions(sessions);
const t = initTRPC.context<typeof createContext>().create();

export const router = t.router({
  login: t.procedure.concat(withSession).mutation(async ({ ctx }) => {
    holds<Same<typeof ctx.session, Session<Data> | null>>();
    const session = await ctx.sessions.create({ userId: 'ada' });
    holds<Same<typeof session, NewSession<Data>>>();
    return { token: session.token };
  }),
  me: t.procedure.concat(requireSession).query(({ ctx }) => {
    holds<Same<typeof ctx.session, Session<Data>>>();
    return ctx.session.data;
  }),
  secret: t.procedure.concat(requireFresh('5m')).query(({ ctx }) => {
    holds<Same<typeof ctx.session, Session<Data>>>();
    return ctx.session.id;
  }),
});

/** A larger context, meta and an error formatter, as applications have them. */
const app = initTRPC
  .context<Awaited<ReturnType<typeof createContext>> & { requestId: string }>()
  .meta<{ role: string }>()
  .create({ errorFormatter: ({ shape }) => ({ ...shape, extra: true }) });

app.procedure
  .meta({ role: 'user' })
  .concat(requireSession)
  .query(({ ctx }) => {
    holds<Same<typeof ctx.session, Session<Data>>>();
    holds<Same<typeof ctx.requestId, string>>();
  });

const bare = initTRPC.context<{ requestId: string }>().create();
// @ts-expect-error: a context without the sessions
bare.procedure.concat(requireSession);

const call = t.createCallerFactory(router);
const { token } = await call(await createContext({ req: { headers: {} } })).login();
const me = await call(await createContext({ req: { headers: { authorization: `Bearer ${token}` } } })).me();
if (me.userId !== 'ada') throw new Error('the session was not found by its token');
if (typeof responseMeta !== 'function') throw new Error('responseMeta is no function');
