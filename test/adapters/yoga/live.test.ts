import { useDeferStream } from '@graphql-yoga/plugin-defer-stream';
import { createClient } from 'graphql-sse';
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { createSessions, memoryStore, type SessionStore } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { gate } from '../../support/gate.js';
import { listenInTest } from '../../support/http.js';
import { type Data, type Handlers, makeSchema } from './support/app.js';
import { bearer } from './support/client.js';
import { makeSessions } from './support/setup.js';
import { openSocketServer } from './support/socket.js';

const SUBSCRIPTION = 'subscription { watch(op: "forever") }';
const ENDED = { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] };

/** A subscription that waits for ever, and reports when it is open and when it has cleaned up. */
function waiting() {
  const opened = gate();
  const cleaned = vi.fn();
  const handlers: Handlers = {
    watch: {
      forever: async function* (ctx) {
        const { signal } = requireSession(ctx);
        try {
          yield 'here';
          opened.open();
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        } finally {
          cleaned();
        }
      },
    },
  };
  return { opened: opened.opened, cleaned, handlers };
}

async function startYogaOn(store: SessionStore, handlers: Handlers) {
  const made = await makeSessions({ store, recheckInterval: 100, now: Date.now });
  const yoga = createYoga({
    schema: makeSchema(handlers),
    logging: false,
    plugins: [useDeferStream(), useSession(made.sessions)],
  });
  // Another instance, on the same store.
  const elsewhere = createSessions<Data>({ store, ownerOf: (data) => data.userId });
  return { ...made, yoga, elsewhere };
}

type Running = Awaited<ReturnType<typeof startYogaOn>>;
type Transport = (running: Running) => Promise<AsyncIterable<unknown>>;

const overGraphqlSse: Transport = async ({ yoga, token }) => {
  const { url } = await listenInTest(yoga);
  const client = createClient({ url: `${url}/graphql`, headers: bearer(token), retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  return client.iterate({ query: SUBSCRIPTION });
};

const overGraphqlWs: Transport = async ({ yoga, token }) => {
  const server = await openSocketServer(yoga.getEnveloped);
  onTestFinished(() => server.stop());
  const client = server.connect({ connectionParams: { token } });
  onTestFinished(() => client.close());
  return client.results(SUBSCRIPTION);
};

/** Stores with and without notifications. */
const stores: [string, () => SessionStore][] = [
  ['with notifications', memoryStore],
  ['by recheck alone', countingStore],
];

describe.each([
  ['Yoga’s SSE', overGraphqlSse],
  ['graphql-ws', overGraphqlWs],
])('a subscription whose session ends (%s)', (_, transport) => {
  test.each(stores)('invariant 5: gets a last result that says so, and completes: %s', async (_name, makeStore) => {
    const { opened, cleaned, handlers } = waiting();
    const running = await startYogaOn(makeStore(), handlers);
    const results: unknown[] = [];
    const reading = (async () => {
      for await (const result of await transport(running)) results.push(result);
    })();
    await opened;
    await running.elsewhere.destroy(running.id);
    await reading;
    expect(results).toEqual([
      { data: { watch: 'here' } },
      expect.objectContaining({ errors: [expect.objectContaining(ENDED.errors[0] ?? {})] }),
    ]);
    expect(cleaned).toHaveBeenCalledOnce();
  });
});

describe('other streams', () => {
  test('invariant 5: @defer ends with a last part that says so', async () => {
    const opened = gate();
    const never = async () => {
      opened.open();
      return new Promise(() => {});
    };
    const running = await startYogaOn(memoryStore(), { run: { first: () => 'first', never } });
    const { url } = await listenInTest(running.yoga);
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { accept: 'multipart/mixed', 'content-type': 'application/json', ...bearer(running.token) },
      body: JSON.stringify({ query: '{ run(op: "first") node { ... @defer { run(op: "never") } } }' }),
    });
    const text = response.text();
    await opened.opened;
    await running.elsewhere.destroy(running.id);
    expect(await text).toMatch(/"code":"UNAUTHENTICATED".*"hasNext":false|"hasNext":false.*"code":"UNAUTHENTICATED"/s);
  });

  test('an anonymous subscription does not subscribe to the store', async () => {
    const store = memoryStore();
    const subscribe = vi.spyOn(store, 'subscribe');
    const running = await startYogaOn(store, {
      watch: {
        forever: async function* () {
          yield 'here';
        },
      },
    });
    const results: unknown[] = [];
    for await (const result of await overGraphqlSse({ ...running, token: 'none' })) results.push(result);
    expect(results).toEqual([{ data: { watch: 'here' } }]);
    expect(subscribe).not.toHaveBeenCalled();
  });

  test('operations on the WebSocket of an ended session are refused, and clients that left are no longer watched', async () => {
    const { opened, handlers } = waiting();
    const store = memoryStore();
    const subscribe = vi.spyOn(store, 'subscribe');
    const running = await startYogaOn(store, { ...handlers, run: { me: (ctx) => requireSession(ctx).data.userId } });
    const server = await openSocketServer(running.yoga.getEnveloped);
    onTestFinished(() => server.stop());
    const client = server.connect({ connectionParams: { token: running.token } });
    const leaving = client.results(SUBSCRIPTION);
    await leaving.next();
    const pending = leaving.next();
    await opened;
    await leaving.return?.();
    await pending;
    expect(await client.execute('{ run(op: "me") }')).toMatchObject({ data: { run: 'ann' } });
    await running.elsewhere.destroy(running.id);
    expect(await client.execute('{ run(op: "me") }')).toMatchObject(ENDED);
    expect(subscribe).toHaveBeenCalledOnce();
    await client.close();
  });

  test('rule 17: a stream that its host drops before the first result leaves nothing behind', async () => {
    const store = memoryStore();
    const subscribe = vi.spyOn(store, 'subscribe');
    const { handlers } = waiting();
    const { token, yoga } = await startYogaOn(store, { ...handlers, run: { first: () => 'first' } });
    const getEnveloped = () => yoga.getEnveloped({ request: new Request('http://x', { headers: bearer(token) }) });
    const { parse, schema, contextFactory, subscribe: open } = getEnveloped();
    const results = await open({ schema, document: parse(SUBSCRIPTION), contextValue: await contextFactory() });
    expect(results).toHaveProperty('next');
    expect(subscribe).not.toHaveBeenCalled();
  });
});
