import { createYoga, type Plugin } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { cookie, type SessionContext } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { ANN, type Data, type Handlers, makeSchema } from './support/app.js';
import { makeSessions, startYoga } from './support/setup.js';
import { SSE, stream } from './support/streaming.js';

const GRACE = 5_000;

const handlers: Handlers = {
  run: {
    login: async ({ sessions }) => (await sessions.create({ ...ANN, userId: 'bob' })).token,
    rotate: async (ctx) => {
      await requireSession(ctx).rotate();
      return 'rotated';
    },
  },
};

/** The headers of its response cannot change. */
const REDIRECTING: Plugin = {
  onResponse: ({ setResponse }) => setResponse(Response.redirect('https://app.example/')),
};

async function start(before: Plugin[] = []) {
  const made = await makeSessions({ sources: [cookie('sid', { secure: false })], rotationGrace: GRACE });
  const plugins = [...before, useSession(made.sessions)];
  const yoga = createYoga<object, object>({ schema: makeSchema(handlers), logging: false, plugins });
  const request = (op: string, headers: Record<string, string> = {}) =>
    new Request('https://app.example/graphql', {
      method: 'POST',
      body: JSON.stringify({ query: `mutation { run(op: "${op}") }` }),
      headers: { 'content-type': 'application/json', ...headers },
    });
  return { ...made, yoga, request };
}

test.each([GRACE, GRACE + 1])(
  'rule 21: a new token is written only if the answer is sent within the grace, even after its operation: after %i ms',
  async (after) => {
    const slow: Plugin = { onResultProcess: () => void clock.advance(after) };
    const { clock, yoga, request, token } = await start([slow]);
    const answer = await yoga.fetch(request('rotate', { cookie: `sid=${token}` }));
    expect(await answer.json()).toEqual({ data: { run: 'rotated' } });
    expect(answer.headers.getSetCookie()).toHaveLength(after <= GRACE ? 1 : 0);
  },
);

test('rule 24: a login is on the answer, and not cached, if a plugin has replaced it by a redirect', async () => {
  const { sessions, request, ...before } = await start([REDIRECTING]);
  const after = createYoga<object, object>({
    schema: makeSchema(handlers),
    logging: false,
    plugins: [useSession(sessions), REDIRECTING],
  });
  const first = await before.yoga.fetch(request('login'));
  const second = await after.fetch(request('login'));
  expect([first, second].map(({ status }) => status)).toEqual([302, 302]);
  expect([first, second].map(({ headers }) => headers.get('cache-control'))).toEqual(['no-store', 'no-store']);
  expect(first.headers.getSetCookie()).toHaveLength(1);
});

test('rule 12: inside handle(), the handler can still log in after Yoga has answered', async () => {
  const { yoga, request, sessions, store } = await start();
  const asked = request('login');
  const answer = await sessions.handle(asked, async (context) => {
    const inner = await yoga.fetch(asked);
    expect(inner.headers.getSetCookie()).toEqual([]);
    await context.sessions.create({ ...ANN, userId: 'carol' });
    return inner;
  });
  const token = /^sid=([^;]+)/.exec(answer.headers.getSetCookie().join())?.[1] ?? '';
  const { session } = await sessions.fromHeaders({ cookie: `sid=${token}` });
  expect(session?.data.userId).toBe('carol');
  expect(await store.count?.()).toBe(2);
});

test('a login of a subscription that has begun is refused, because a cookie can no longer be set', async () => {
  const answered = gate();
  const late = async function* ({ sessions }: SessionContext<Data>) {
    await answered.opened;
    yield (await sessions.create(ANN)).token;
  };
  const { endpoint, store } = await startYoga({ watch: { late } }, {}, { sources: [cookie('sid')] });
  const { all } = await stream(endpoint, 'subscription { watch(op: "late") }', SSE);
  answered.open();
  expect(await all()).toMatchObject([{ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] }]);
  expect(store.calls.insert).toBe(0);
});
