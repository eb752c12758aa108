import { EventEmitter, on } from 'node:events';
import { observable } from '@trpc/server/observable';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSessions, memoryStore, type SessionStore } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import type { Handlers } from './support/app.js';
import { type Data, gate, openBench } from './support/bench.js';
import { collect, failure, socketClient } from './support/clients.js';
import { overStandalone, overWebSocket } from './support/hosts.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Body = NonNullable<Handlers<Data>['streams']>[string];

/** A subscription of this kind, over this transport, and two instances that share its store. */
async function open(
  transport: 'SSE' | 'WebSocket',
  kind: { stream: Body } | { observable: true },
  store: SessionStore = memoryStore(),
) {
  const opened = gate();
  const unsubscribed = vi.fn();
  const handlers: Handlers<Data> = {
    streams: {
      it: async function* (context, call) {
        opened.open();
        if ('stream' in kind) yield* kind.stream(context, call);
      },
    },
    observables: {
      it: () =>
        observable((observer) => {
          observer.next('here');
          opened.open();
          return unsubscribed;
        }),
    },
    own: { ping: () => 'pong' },
  };
  const bench = await openBench(handlers, {
    serve: overStandalone,
    sessions: { store, recheckInterval: 200, now: Date.now },
  });
  stops.push(bench.host.stop);
  const token = await bench.login();
  const elsewhere = createSessions<Data>({ store, ownerOf: (data) => data.userId });
  const id = (await elsewhere.fromToken(token)).session?.id ?? '';
  const socket = await overWebSocket(bench.app);
  stops.push(socket.stop);
  const { client, close } = socketClient(socket.url, { token });
  stops.push(close);
  const subscriptions = transport === 'SSE' ? bench.client('subscription', token) : client;
  const call = collect((own) =>
    'stream' in kind ? subscriptions.stream.subscribe('it', own) : subscriptions.watch.subscribe('it', own),
  );
  call.catch(() => undefined);
  await opened.opened;
  return { ...bench, id, token, elsewhere, call, opened, unsubscribed, client };
}

const forever: Body = async function* () {
  yield 'here';
  await new Promise(() => {});
};

describe.each(['SSE', 'WebSocket'] as const)('a subscription whose session ends (%s)', (transport) => {
  test('invariant 5: ends with UNAUTHORIZED when another instance ends it, even if its body never yields again', async () => {
    const { call, elsewhere, id } = await open(transport, { stream: forever });
    await elsewhere.destroy(id);
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('invariant 5: its body cleans up if it waits with the session’s signal', async () => {
    const cleaned: string[] = [];
    const emitter = new EventEmitter();
    const waiting: Body = async function* ({ session }) {
      try {
        for await (const [value] of on(emitter, 'event', { signal: session.signal })) yield value;
      } finally {
        cleaned.push('signal');
      }
    };
    const { call, elsewhere, id } = await open(transport, { stream: waiting });
    await vi.waitFor(() => expect(emitter.listenerCount('event')).toBe(1));
    emitter.emit('event', 1);
    await elsewhere.destroy(id);
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
    await vi.waitFor(() => expect(cleaned).toEqual(['signal']));
    expect(emitter.listenerCount('event')).toBe(0);
  });

  test('invariant 5: without notifications it ends within the recheck interval', async () => {
    const { call, elsewhere, id } = await open(transport, { stream: forever }, countingStore());
    const ended = performance.now();
    await elsewhere.destroy(id);
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
    // The interval is 200 ms; the rest allows for a busy machine.
    expect(performance.now() - ended).toBeLessThan(2_000);
  });

  test('invariant 5: the end of the whole account ends it, and unsubscribes from an observable', async () => {
    const { call, elsewhere, unsubscribed } = await open(transport, { observable: true });
    expect(await elsewhere.destroyFor('ann')).toBe(1);
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(unsubscribed).toHaveBeenCalledOnce();
  });
});

describe('connections and generators', () => {
  test('invariant 5: calls on the WebSocket of an ended session are refused', async () => {
    const { call, client, elsewhere, id } = await open('WebSocket', { stream: forever });
    expect(await client.own.mutate('ping')).toBe('pong');
    await elsewhere.destroy(id);
    expect(await failure(client.own.mutate('ping'))).toMatchObject({ code: 'UNAUTHORIZED' });
    await failure(call);
  });

  test('invariant 7: a subscription ends when its session expires', async () => {
    const store = memoryStore();
    const { call, elsewhere, id } = await open('SSE', { stream: forever }, store);
    const age = Date.now() - ((await elsewhere.find(id))?.createdAt ?? 0);
    const soon = createSessions<Data>({ store, absoluteTimeout: age + 500 });
    // A session whose own record ends sooner does so on every server.
    await (await soon.find(id))?.update((data) => {
      data.c = 1;
    });
    expect((await elsewhere.find(id))?.expiresAt).toBeLessThanOrEqual(Date.now() + 500);
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('invariant 5: a generator query ends as well', async () => {
    const opened = gate();
    const bench = await openBench(
      {
        streams: {
          it: async function* () {
            opened.open();
            yield 1;
            await new Promise(() => {});
          },
        },
      },
      { serve: overStandalone },
    );
    stops.push(bench.host.stop);
    const token = await bench.login();
    const values = await bench.client('stream', token).generate.query('it');
    const reading = (async () => {
      for await (const _ of values) await opened.opened;
    })();
    reading.catch(() => undefined);
    await opened.opened;
    await bench.sessions.destroy(token.slice(3, 39));
    expect(await failure(reading)).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  test('rule 17: after a call its signal is followed only while it has a listener', async () => {
    const store = memoryStore();
    const stopped = vi.fn();
    const { subscribe } = store;
    const opened = vi.spyOn(store, 'subscribe').mockImplementation(async (listener) => {
      const stop = await subscribe.call(store, listener);
      return async () => {
        stopped();
        await stop();
      };
    });
    const aborted = vi.fn();
    let stopListening = () => undefined;
    const bench = await openBench(
      {
        own: {
          look: ({ sessions }) => sessions.signal.aborted,
          listen: ({ sessions: { signal } }) => {
            signal.addEventListener('abort', aborted);
            stopListening = () => void signal.removeEventListener('abort', aborted);
          },
        },
      },
      { sessions: { store } },
    );
    stops.push(bench.host.stop);
    const socket = await overWebSocket(bench.app);
    stops.push(socket.stop);
    const token = await bench.login();
    const { client, close } = socketClient(socket.url, { token });
    stops.push(close);
    expect(await client.own.mutate('look')).toBe(false);
    await vi.waitFor(() => expect(stopped).toHaveBeenCalledTimes(opened.mock.calls.length));
    const before = stopped.mock.calls.length;
    await client.own.mutate('listen');
    await vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(before + 1));
    stopListening();
    await vi.waitFor(() => expect(stopped).toHaveBeenCalledTimes(before + 1));
    await client.own.mutate('listen');
    await vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(before + 2));
    await bench.sessions.destroy(token.slice(3, 39));
    await vi.waitFor(() => expect(aborted).toHaveBeenCalledOnce());
  });

  test('a thousand subscriptions leave nothing behind', async () => {
    const store = memoryStore();
    let subscribed = 0;
    let opened = 0;
    const watched: SessionStore = {
      insert: (record, ttl) => store.insert(record, ttl),
      find: (id) => store.find(id),
      replace: (record, version, ttl) => store.replace(record, version, ttl),
      delete: (id) => store.delete(id),
      subscribe: async (listener) => {
        subscribed += 1;
        opened += 1;
        const stop = await store.subscribe(listener);
        return async () => {
          subscribed -= 1;
          await stop();
        };
      },
    };
    const bench = await openBench(
      {
        streams: {
          it: async function* () {
            yield 1;
          },
        },
      },
      { serve: overStandalone, sessions: { store: watched } },
    );
    stops.push(bench.host.stop);
    const token = await bench.login();
    const socket = await overWebSocket(bench.app);
    stops.push(socket.stop);
    const { client, close } = socketClient(socket.url, { token });
    stops.push(close);
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(Array.from({ length: 100 }, () => collect((own) => client.stream.subscribe('it', own))));
    }
    await vi.waitFor(() => expect(subscribed).toBe(0));
    expect(opened).toBeGreaterThan(0);
  });

  test('rule 17: a stream that its host drops before the first value leaves nothing behind', async () => {
    const store = memoryStore();
    const subscribe = vi.spyOn(store, 'subscribe');
    const bench = await openBench(
      {
        streams: {
          it: async function* () {
            yield 1;
          },
        },
      },
      { sessions: { store } },
    );
    stops.push(bench.host.stop);
    const authorization = `Bearer ${await bench.login()}`;
    const caller = bench.app.router.createCaller(bench.app.createContext({ headers: { authorization } }));
    await caller.stream('it');
    expect(subscribe).not.toHaveBeenCalled();
  });
});
