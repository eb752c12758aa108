// All in one file: the tests share a server and clients of sockets.
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ContextOf } from '../../../examples/playground/server/graphql-sockets.js';
import { requireFresh, requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { memoryStore, type SessionContext, type SessionsOptions } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { type Data, type Handlers, makeSchema } from './support/app.js';
import { codesOf } from './support/client.js';
import { makeSessions } from './support/setup.js';
import { openSocketServer } from './support/socket.js';

const run = {
  me: ({ session }: SessionContext<Data>) => session?.data.userId ?? null,
  required: (ctx: SessionContext<Data>) => requireSession(ctx).data.userId,
  fresh: (ctx: SessionContext<Data>) => requireFresh(ctx, '1s').data.userId,
  darken: (ctx: SessionContext<Data>) => {
    requireSession(ctx).data.theme = 'dark';
    return 'done';
  },
  login: async ({ sessions }: SessionContext<Data>) =>
    (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token,
  loginAndDarken: async ({ sessions }: SessionContext<Data>) => {
    const session = await sessions.create({ userId: 'bob', theme: 'light', views: 0 });
    session.data.theme = 'dark';
    return session.token;
  },
  logout: (ctx: SessionContext<Data>) => requireSession(ctx).destroy(),
};

async function startSocket(
  handlers: Handlers = {},
  contextOf?: ContextOf,
  plugins: object[] = [],
  context: (initial: { sessions?: SessionContext<Data>['sessions'] }) => object = () => ({}),
  options: SessionsOptions<Data> = {},
) {
  const made = await makeSessions(options);
  const schema = makeSchema({ ...handlers, run: { ...run, ...handlers.run } });
  const yoga = createYoga<object, object>({
    schema,
    logging: false,
    context,
    plugins: [useSession(made.sessions), ...plugins],
  });
  const server = await openSocketServer(yoga.getEnveloped, contextOf);
  onTestFinished(() => server.stop());
  const connect = (...args: Parameters<typeof server.connect>) => {
    const client = server.connect(...args);
    onTestFinished(() => client.close());
    return client;
  };
  return { ...made, server, connect };
}

const field = (op: string) => `{ run(op: "${op}") }`;
const mutation = (op: string) => `mutation { run(op: "${op}") }`;
const OUTAGE = () => {
  throw new Error('connection refused by db.internal');
};

describe('the token of a graphql-ws connection', () => {
  test.each([
    ['authorization', (token: string) => ({ connectionParams: { authorization: `Bearer ${token}` } })],
    ['Authorization', (token: string) => ({ connectionParams: { Authorization: `Bearer ${token}` } })],
    ['token', (token: string) => ({ connectionParams: { token } })],
    ['the upgrade request', (token: string) => ({ headers: { authorization: `Bearer ${token}` } })],
    [
      'connectionParams before the upgrade request',
      (token: string) => ({ connectionParams: { token }, headers: { authorization: 'Bearer of nothing' } }),
    ],
  ])('is read from %s', async (_, credentials) => {
    const { connect, token } = await startSocket();
    expect((await connect(credentials(token)).execute(field('me'))).data).toEqual({ run: 'ann' });
  });

  test('is absent if nothing useful is sent', async () => {
    const { connect, store } = await startSocket();
    for (const credentials of [{}, { connectionParams: { token: 7, authorization: null } }]) {
      expect((await connect(credentials).execute(field('me'))).data).toEqual({ run: null });
    }
    expect(store.total()).toBe(0);
  });

  const contexts: readonly (readonly [string, ContextOf])[] = [
    ['its connection', (connection) => ({ ...connection })],
    [
      'parts of it',
      ({ connectionParams, extra }) => ({ connectionParams, socket: extra.socket, request: extra.request }),
    ],
    ['its extra alone', ({ extra }) => ({ ...extra })],
    [
      'no socket, as some servers have none',
      ({ connectionParams, extra }) => ({ connectionParams, extra: { request: extra.request } }),
    ],
    ['no extra', ({ connectionParams, extra }) => ({ connectionParams, req: extra.request })],
  ];
  test.each(contexts)('is found if getEnveloped receives %s', async (_, contextOf) => {
    const { connect, token } = await startSocket({}, contextOf);
    const client = connect({ headers: { authorization: `Bearer ${token}` } });
    expect((await client.execute(field('me'))).data).toEqual({ run: 'ann' });
    expect((await client.execute(field('darken'))).data).toEqual({ run: 'done' });
  });

  test('is found in the parameters if getEnveloped receives parts of the connection, with the upgrade request', async () => {
    const parts: ContextOf = ({ connectionParams, extra }) => ({ connectionParams, request: extra.request });
    const { connect, token } = await startSocket({}, parts);
    const client = connect({ connectionParams: { token } });
    expect((await client.execute(field('me'))).data).toEqual({ run: 'ann' });
  });
});

describe('operations on one connection', () => {
  test('invariant 5: each operation looks the session up again', async () => {
    const { connect, sessions, store, token, id } = await startSocket();
    const client = connect({ connectionParams: { token } });
    expect((await client.execute(field('required'))).data).toEqual({ run: 'ann' });
    expect((await client.execute(field('required'))).data).toEqual({ run: 'ann' });
    expect(store.calls.find).toBe(2);
    await sessions.destroy(id);
    expect(await client.execute(field('required'))).toMatchObject({
      data: { run: null },
      errors: [{ message: 'A session is required', extensions: { code: 'UNAUTHENTICATED' } }],
    });
  });

  test('later operations see a login, and a logout', async () => {
    const { connect, stored } = await startSocket();
    const client = connect();
    const token = String((await client.execute(mutation('login'))).data?.['run']);
    expect((await client.execute(field('me'))).data).toEqual({ run: 'bob' });
    await client.execute(mutation('darken'));
    expect((await stored(token))?.theme).toBe('dark');
    await client.execute(mutation('logout'));
    expect((await client.execute(field('me'))).data).toEqual({ run: null });
  });

  test('changes after a login in its operation are saved, even beside an open subscription', async () => {
    const source = gate();
    const endless = async function* () {
      yield 'open';
      await source.opened;
    };
    const { connect, stored } = await startSocket({ watch: { endless } });
    const client = connect();
    const results = client.results('subscription { watch(op: "endless") }');
    await results.next();
    for (const operation of [
      'mutation { token: run(op: "login") run(op: "darken") }',
      'mutation { token: run(op: "loginAndDarken") }',
    ]) {
      const login = await client.execute(operation);
      expect((await stored(String(login.data?.['token'])))?.theme).toBe('dark');
    }
    source.open();
    expect((await results.next()).done).toBe(true);
  });

  test('errors contain nothing of HTTP', async () => {
    const { connect, clock, token } = await startSocket();
    const client = connect({ connectionParams: { token } });
    clock.advance(1_001);
    const result = await client.execute('{ run(op: "fresh") }');
    expect(result.errors?.[0]?.extensions).toEqual({ code: 'STEP_UP_REQUIRED' });
    expect(JSON.stringify(result)).not.toContain('http');
  });

  test('invariant 6: an outage is the result of the operation, and the connection stays open', async () => {
    const { connect, store, token } = await startSocket({ watch: { never: () => never() } });
    const client = connect({ connectionParams: { token } });
    store.before = OUTAGE;
    expect(await client.execute(field('me'))).toEqual({
      data: null,
      errors: [{ message: 'Sessions are not available at the moment', extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    const subscription = client.results('subscription { watch(op: "never") }');
    expect((await subscription.next()).value).toMatchObject({
      errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    store.before = undefined;
    expect((await client.execute(field('me'))).data).toEqual({ run: 'ann' });
    store.before = (verb) => (verb === 'replace' ? OUTAGE() : undefined);
    expect(codesOf(await client.execute(mutation('darken')))).toEqual(['SERVICE_UNAVAILABLE']);
    expect(client.closeCodes).toEqual([]);
  });

  async function* never(): AsyncGenerator<string> {}

  test('invariant 6: an unreadable record does not close the connection either', async () => {
    const { connect, store, token, id } = await startSocket();
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'broken', body: '{' }, record.version, 60_000);
    const client = connect({ connectionParams: { token } });
    expect(codesOf(await client.execute(field('me')))).toEqual(['INTERNAL_SERVER_ERROR']);
    expect(client.closeCodes).toEqual([]);
  });

  test('an invalid operation leaves nothing open, so a later login saves its changes', async () => {
    const { connect, stored } = await startSocket();
    const client = connect();
    await expect(client.execute('{ nothing }')).rejects.toMatchObject([
      { message: expect.stringContaining('nothing') },
    ]);
    const { data } = await client.execute(mutation('loginAndDarken'));
    expect((await stored(String(data?.['run'])))?.theme).toBe('dark');
  });
});

describe("the application's own context() on a connection", () => {
  const user: Handlers['run'] = { user: (ctx) => JSON.stringify(Reflect.get(ctx, 'user')) };

  test('invariant 5: does not receive a session that has ended since an earlier operation', async () => {
    const context = async ({ sessions }: { sessions?: SessionContext<Data>['sessions'] }) => ({
      user: (await sessions?.load())?.id ?? null,
    });
    const { connect, sessions, token, id } = await startSocket({ run: user }, undefined, [], context);
    const client = connect({ connectionParams: { token } });
    expect((await client.execute(field('user'))).data).toEqual({ run: JSON.stringify(id) });
    await sessions.destroy(id);
    expect((await client.execute(field('user'))).data).toEqual({ run: 'null' });
  });

  test("invariant 11: does not see another operation's unsaved changes", async () => {
    const changed = gate();
    const seen = gate();
    const escalateAndFail = async (ctx: SessionContext<Data>) => {
      requireSession(ctx).data.role = 'admin';
      changed.open();
      await seen.opened;
      throw new Error('refused');
    };
    const context = async ({ sessions }: { sessions?: SessionContext<Data>['sessions'] }) => ({
      user: (await sessions?.load())?.data.role ?? 'no role',
    });
    const { connect, token, stored } = await startSocket(
      { run: { ...user, escalateAndFail } },
      undefined,
      [],
      context,
    );
    const client = connect({ connectionParams: { token } });
    const failing = client.execute(mutation('escalateAndFail'));
    await changed.opened;
    expect((await client.execute(field('user'))).data).toEqual({ run: '"no role"' });
    seen.open();
    expect((await failing).errors).toHaveLength(1);
    expect(await stored()).not.toHaveProperty('role');
  });
});

describe('a subscription on a connection', () => {
  test('saves the changes of its body with each event, and when the client leaves', async () => {
    const endless = async function* (ctx: SessionContext<Data>) {
      try {
        for (;;) {
          requireSession(ctx).data.views += 1;
          yield 'on';
          await new Promise(setImmediate);
        }
      } finally {
        requireSession(ctx).data.theme = 'dark';
      }
    };
    const { connect, token, stored } = await startSocket({ watch: { endless } });
    const client = connect({ connectionParams: { token } });
    const results = client.results('subscription { watch(op: "endless") }');
    await results.next();
    expect((await stored())?.views).toBeGreaterThan(0);
    await results.return?.();
    await vi.waitFor(async () => expect((await stored())?.theme).toBe('dark'));
    expect(client.closeCodes).toEqual([]);
  });

  test('reports our errors from its body by their code', async () => {
    const refused = async function* (ctx: SessionContext<Data>) {
      yield 'on';
      yield requireSession(ctx).id;
    };
    const { connect } = await startSocket({ watch: { refused } });
    const results = connect().results('subscription { watch(op: "refused") }');
    await results.next();
    expect((await results.next()).value).toMatchObject({ errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] });
    expect((await results.next()).done).toBe(true);
  });
});

test("rule 17: a connection's finished operations leave no subscription behind", async () => {
  const store = memoryStore();
  let subscribed = 0;
  const { subscribe } = store;
  vi.spyOn(store, 'subscribe').mockImplementation(async (listener) => {
    subscribed += 1;
    const stop = await subscribe.call(store, listener);
    return async () => {
      subscribed -= 1;
      await stop();
    };
  });
  const run: Handlers['run'] = { watch: ({ sessions }) => String(sessions.signal.aborted) };
  const { connect, token } = await startSocket({ run }, undefined, [], undefined, { store });
  const client = connect({ connectionParams: { token } });
  for (let calls = 0; calls < 3; calls += 1)
    expect((await client.execute(field('watch'))).data).toEqual({ run: 'false' });
  await vi.waitFor(() => expect(subscribed).toBe(0));
  expect(store.subscribe).toHaveBeenCalled();
});
