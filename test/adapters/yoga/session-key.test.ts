import { createYoga, type Plugin } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { type requireSession, type SessionKey, sessionKey, useSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { type Data, makeSchema } from './support/app.js';
import { bearer, post, resultOf } from './support/client.js';
import { makeSessions } from './support/setup.js';

/**
 * Works as plugin-response-cache does: asks for the key and answers from the cache before the
 * operation.
 */
function useCache(session: SessionKey): Plugin {
  const answers = new Map<string, object>();
  const keys = new WeakMap<object, string>();
  return {
    onParams: async ({ request, params, setResult }) => {
      const key = JSON.stringify([await session(request), params.query]);
      keys.set(request, key);
      const known = answers.get(key);
      if (known) setResult({ ...known });
    },
    onExecute: ({ context }) => ({
      onExecuteDone: ({ result }) => void ('data' in result && answers.set(keys.get(context.request) ?? '', result)),
    }),
  };
}

async function start(order: 'cache first' | 'sessions first', reach: 'Node' | 'Fetch') {
  const made = await makeSessions();
  const asked: unknown[] = [];
  const me = (ctx: Parameters<typeof requireSession<{ userId: string }>>[0]) => {
    asked.push(ctx.session?.id ?? null);
    return ctx.session?.data.userId ?? 'anonymous';
  };
  const plugins = [useCache(sessionKey(made.sessions)), useSession(made.sessions)];
  const yoga = createYoga({
    schema: makeSchema({ run: { me } }),
    logging: false,
    plugins: order === 'cache first' ? plugins : plugins.reverse(),
  });
  const url = reach === 'Node' ? (await listenInTest(yoga)).url : 'http://yoga.example';
  const send = reach === 'Node' ? undefined : (...[to, init]: [string, RequestInit]) => yoga.fetch(to, init);
  const ask = (headers = {}) => post(`${url}/graphql`, { query: '{ run(op: "me") }' }, headers, send);
  return { ...made, asked, ask };
}

test.each([
  ['cache first', 'Node'],
  ['sessions first', 'Node'],
  ['cache first', 'Fetch'],
  ['sessions first', 'Fetch'],
] as const)(
  'a response cache answers each session, and anonymous requests, separately (%s, on %s)',
  async (order, reach) => {
    const { ask, asked, sessions, store, token, id } = await start(order, reach);
    const bob = await sessions.create({ userId: 'bob', theme: 'light', views: 0 });
    store.reset();
    for (const _ of [1, 2]) {
      expect(resultOf(await ask(bearer(token))).data).toEqual({ run: 'ann' });
      expect(resultOf(await ask(bearer(bob.token))).data).toEqual({ run: 'bob' });
      expect(resultOf(await ask()).data).toEqual({ run: 'anonymous' });
    }
    expect(asked).toEqual([id, bob.id, null]);
    // Each authenticated request makes one look-up, for the cache and the plugin together.
    expect(store.calls).toEqual({ insert: 0, find: 4, replace: 0, delete: 0 });
  },
);

test('invariant 5: a cached answer is not sent after its session has ended', async () => {
  const { ask, token, sessions, id } = await start('cache first', 'Node');
  await ask(bearer(token));
  await sessions.destroy(id);
  expect(resultOf(await ask(bearer(token))).data).toEqual({ run: 'anonymous' });
});

test('invariant 5: a session that the request itself has ended has no key any more', async () => {
  const { sessions, token, id } = await makeSessions();
  const key = sessionKey(sessions);
  const keys: unknown[] = [];
  const banning: Plugin<SessionContext<Data>> = {
    onContextBuilding: async ({ context }) => {
      keys.push(await key(context.request));
      await context.session?.destroy();
    },
    onExecute: async ({ args }) => void keys.push(await key(args.contextValue.request)),
  };
  const yoga = createYoga<object, SessionContext<Data>>({
    schema: makeSchema({ run: { me: () => 'news' } }),
    logging: false,
    plugins: [useSession(sessions), banning],
  });
  await yoga.fetch('http://yoga.example/graphql?query={run(op:"me")}', { headers: bearer(token) });
  expect(keys).toEqual([id, null]);
});

test('invariant 6: in an outage, the cache answers nothing either', async () => {
  const { ask, token, store } = await start('cache first', 'Node');
  await ask();
  await ask(bearer(token));
  store.before = () => {
    throw new Error('connection refused by db.internal');
  };
  const answer = await ask(bearer(token));
  expect(answer.status).toBe(503);
  expect(resultOf(answer).errors?.[0]?.extensions).toEqual({ code: 'SERVICE_UNAVAILABLE' });
  expect(resultOf(await ask()).data).toEqual({ run: 'anonymous' });
});
