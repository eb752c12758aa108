import { deepStrictEqual, match, rejects, strictEqual } from 'node:assert';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, TRPCClientError } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import type { SessionStore, Sessions } from 'token-sessions';
import { trpcSessions } from 'token-sessions/trpc';
import type { Check, OpenStore } from './check.js';
import { aborted } from './core-checks.js';
import { ADA, type Data, sessionsOn } from './data.js';
import { readEvents } from './sse.js';

const URL = 'https://app.example/trpc';

function makeRouter({
  createContext,
  errorFormatter,
  withSession,
  requireSession,
  requireFresh,
}: ReturnType<typeof bind>) {
  const t = initTRPC.context<typeof createContext>().create({ errorFormatter });
  const mine = t.procedure.concat(requireSession);
  return t.router({
    login: t.procedure.concat(withSession).mutation(async ({ ctx }) => (await ctx.sessions.create(ADA)).token),
    me: mine.query(({ ctx }) => ({ ...ctx.session.data })),
    theme: mine.mutation(({ ctx }) => {
      ctx.session.data.theme = 'dark';
    }),
    fail: mine.mutation(({ ctx }) => {
      ctx.session.data.views = 1_000;
      throw new Error('after the change');
    }),
    visit: mine.mutation(({ ctx }) =>
      ctx.session.update((data) => {
        data.views += 1;
      }),
    ),
    secret: t.procedure.concat(requireFresh('5m')).query(() => 'secret'),
    logout: mine.mutation(({ ctx }) => ctx.session.destroy()),
    live: mine.subscription(async function* ({ ctx }) {
      yield 'open';
      await aborted(ctx.session.signal);
    }),
  });
}

const bind = (sessions: Sessions<Data>) => trpcSessions(sessions);

/** A server without a network, and its client. */
function start(sessions: Sessions<Data>) {
  const bound = bind(sessions);
  const router = makeRouter(bound);
  const { createContext, responseMeta } = bound;
  const serve = (request: Request): Promise<Response> =>
    fetchRequestHandler({ endpoint: '/trpc', req: request, router, createContext, responseMeta });
  const clientWith = (link: typeof httpBatchLink | typeof httpBatchStreamLink, token?: string) =>
    createTRPCClient<typeof router>({
      links: [
        link({
          url: URL,
          fetch: (url, init) => serve(new Request(String(url), { method: init?.method ?? 'GET', ...Object(init) })),
          headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        }),
      ],
    });
  return { serve, client: (token?: string) => clientWith(httpBatchLink, token), clientWith };
}

function refusal(code: string, sessionCode: string): (error: unknown) => boolean {
  return (error) => {
    if (!(error instanceof TRPCClientError)) throw error;
    deepStrictEqual([error.data?.code, error.data?.sessionCode], [code, sessionCode]);
    return true;
  };
}

type Run = (sessions: Sessions<Data>, store: SessionStore) => Promise<void>;

const CHECKS: Record<string, Run> = {
  'login, read, change and logout': async (sessions) => {
    const { client } = start(sessions);
    const mine = client(await client().login.mutate());
    await mine.theme.mutate();
    deepStrictEqual(await mine.me.query(), { ...ADA, theme: 'dark' });
    await mine.logout.mutate();
    await rejects(() => mine.me.query(), refusal('UNAUTHORIZED', 'UNAUTHENTICATED'));
  },
  'a batch that half fails saves the other half': async (sessions) => {
    const { client } = start(sessions);
    const mine = client(await client().login.mutate());
    const batch = [mine.theme.mutate(), mine.fail.mutate(), mine.visit.mutate()];
    deepStrictEqual(
      (await Promise.allSettled(batch)).map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    deepStrictEqual(await mine.me.query(), { userId: 'ada', views: 1, theme: 'dark' });
  },
  'of 30 calls at once each counts': async (sessions) => {
    const { client } = start(sessions);
    const mine = client(await client().login.mutate());
    await Promise.all(Array.from({ length: 30 }, () => mine.visit.mutate()));
    strictEqual((await mine.me.query()).views, 30);
  },
  'a stale login is asked to step up': async (sessions, store) => {
    const { client } = start(sessions);
    const { token } = await sessions.create(ADA);
    strictEqual(await client(token).secret.query(), 'secret');
    const old = sessionsOn(store, { now: () => Date.now() + 600_000 });
    await rejects(() => start(old).client(token).secret.query(), refusal('UNAUTHORIZED', 'STEP_UP_REQUIRED'));
    await old.close();
  },
  'a streaming link gives the token in the body': async (sessions) => {
    const { clientWith } = start(sessions);
    const token = await clientWith(httpBatchStreamLink).login.mutate();
    deepStrictEqual(await clientWith(httpBatchStreamLink, token).me.query(), ADA);
  },
  'a subscription over SSE ends with its session': async (sessions) => {
    const { serve } = start(sessions);
    const { token, id } = await sessions.create(ADA);
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const response = await serve(new Request(`${URL}/live`, { headers }));
    match(await readEvents(response, '"open"', () => sessions.destroy(id)), /UNAUTHORIZED/);
  },
};

/** tRPC through its fetch adapter. */
export function trpcChecks(open: OpenStore): Check[] {
  return Object.entries(CHECKS).map(([title, run]) => ({
    suite: 'tRPC',
    title,
    run: async () => {
      const store = open();
      const sessions = sessionsOn(store);
      await run(sessions, store);
      await sessions.close();
    },
  }));
}
