import { TRPCError, tracked } from '@trpc/server';
import { observable } from '@trpc/server/observable';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Session } from '../../../src/index.js';
import type { Handlers } from './support/app.js';
import { type Data, gate, openBench } from './support/bench.js';
import { collect, failure, socketClient } from './support/clients.js';
import type { Serve } from './support/hosts.js';
import { overFetch, overStandalone, overWebSocket } from './support/hosts.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type Body = Handlers<Data>['streams'];

/**
 * An application with these streams, and a logged-in client that subscribes over SSE or a
 * WebSocket.
 */
async function subscriber(transport: 'SSE' | 'WebSocket', handlers: Handlers<Data>, serve: Serve = overFetch) {
  const bench = await openBench(handlers, { serve });
  stops.push(bench.host.stop);
  const token = await bench.login();
  if (transport === 'SSE') return { ...bench, token, subscriptions: bench.client('subscription', token) };
  const server = await overWebSocket(bench.app);
  stops.push(server.stop);
  const { client, close } = socketClient(server.url, { token });
  stops.push(close);
  return { ...bench, token, subscriptions: client };
}

async function* counting({ session }: { session: Session<Data> }): AsyncGenerator<number, void> {
  for (let count = 1; count <= 3; count++) {
    session.data.a = count;
    yield count;
  }
  session.data.b = 9;
}

const body: Body = {
  counting,
  failing: async function* ({ session }) {
    session.data.a = 1;
    yield 'saved';
    session.data.b = 1;
    throw new TRPCError({ code: 'FORBIDDEN' });
  },
  gone: async function* ({ session }) {
    yield 'here';
    await session.destroy();
    await session.update((data) => void data.a++);
  },
  tracking: async function* () {
    yield tracked('7', { price: 1 });
  },
};

describe.each(['SSE', 'WebSocket'] as const)('the body of a subscription (%s)', (transport) => {
  test('is saved before each value reaches the client, and when it ends', async () => {
    const { store, stored, token, subscriptions } = await subscriber(transport, { streams: body });
    const seen: Promise<Data | undefined>[] = [];
    const values = await collect(
      (handlers) => subscriptions.stream.subscribe('counting', handlers),
      () => seen.push(stored(token)),
    );
    expect(values).toEqual([1, 2, 3]);
    (await Promise.all(seen)).forEach((data, index) => {
      expect(data?.a).toBeGreaterThanOrEqual(index + 1);
    });
    expect(store.calls.replace).toBe(4);
    expect(await stored(token)).toMatchObject({ a: 3, b: 9 });
  });

  test('invariant 11: its changes since the last value are not saved when it throws', async () => {
    const { stored, token, subscriptions } = await subscriber(transport, { streams: body });
    const values: unknown[] = [];
    const call = collect(
      (handlers) => subscriptions.stream.subscribe('failing', handlers),
      (value) => values.push(value),
    );
    expect(await failure(call)).toMatchObject({ code: 'FORBIDDEN' });
    expect(values).toEqual(['saved']);
    expect(await stored(token)).toMatchObject({ a: 1, b: 0 });
  });

  test('its SessionError is reported as tRPC’s, without its message', async () => {
    const { subscriptions } = await subscriber(transport, { streams: body });
    const call = collect((handlers) => subscriptions.stream.subscribe('gone', handlers));
    const { code, text } = await failure(call);
    expect(code).toBe('UNAUTHORIZED');
    expect(text).not.toContain('log in again');
  });

  test('tracked values keep their ids', async () => {
    const { subscriptions } = await subscriber(transport, { streams: body });
    expect(await collect((handlers) => subscriptions.stream.subscribe('tracking', handlers))).toEqual([
      { id: '7', data: { price: 1 } },
    ]);
  });

  test('when the client leaves, its clean-up runs, and the changes of that are saved', async () => {
    const left = gate();
    const waiting: Body = {
      waiting: async function* ({ session }, { signal }) {
        try {
          yield 'here';
          await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }));
        } finally {
          session.data.c = 5;
          left.open();
        }
      },
    };
    const { stored, token, subscriptions } = await subscriber(transport, { streams: waiting }, overStandalone);
    await collect(
      (handlers) => subscriptions.stream.subscribe('waiting', handlers),
      (_, stop) => stop(),
    );
    await left.opened;
    await vi.waitFor(async () => expect(await stored(token)).toMatchObject({ c: 5 }));
  });

  test('an observable is saved when it completes, and not when it fails', async () => {
    const observables: Handlers<Data>['observables'] = {
      completing: ({ session }) =>
        observable((observer) => {
          session.data.a = 4;
          observer.next('value');
          observer.complete();
        }),
      failing: ({ session }) =>
        observable((observer) => {
          session.data.b = 4;
          session.destroy().then(() => session.save().catch((error: unknown) => observer.error(error)));
        }),
    };
    const { stored, token, subscriptions } = await subscriber(transport, { observables });
    expect(await collect((handlers) => subscriptions.watch.subscribe('completing', handlers))).toEqual(['value']);
    expect(await stored(token)).toMatchObject({ a: 4 });
    expect(await failure(collect((handlers) => subscriptions.watch.subscribe('failing', handlers)))).toMatchObject({
      code: 'UNAUTHORIZED',
    });
  });

  test('is refused without a session', async () => {
    const { sessions, token, subscriptions, store } = await subscriber(transport, { streams: body });
    await sessions.destroy(token.slice(3, 39));
    store.reset();
    const call = collect((handlers) => subscriptions.stream.subscribe('counting', handlers));
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('streams and failures of the store', () => {
  test('a failing save ends the stream with an error, after the body has cleaned up', async () => {
    const cleaned = vi.fn();
    const streams: Body = {
      careful: async function* ({ session }) {
        try {
          session.data.a = 1;
          yield 'never seen';
        } finally {
          cleaned();
        }
      },
    };
    const { store, token, stored, subscriptions } = await subscriber('WebSocket', { streams });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('down at db.internal');
    };
    const { code, text } = await failure(collect((handlers) => subscriptions.stream.subscribe('careful', handlers)));
    expect(code).toBe('SERVICE_UNAVAILABLE');
    expect(text).not.toContain('db.internal');
    expect(text).not.toContain('never seen');
    expect(cleaned).toHaveBeenCalledOnce();
    store.before = undefined;
    expect(await stored(token)).toMatchObject({ a: 0 });
  });

  test('an observable whose change cannot be saved fails instead of completing', async () => {
    const observables: Handlers<Data>['observables'] = {
      completing: ({ session }) =>
        observable((observer) => {
          session.data.a = 4;
          observer.complete();
        }),
    };
    const { store, subscriptions } = await subscriber('WebSocket', { observables });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('down');
    };
    const call = collect((handlers) => subscriptions.watch.subscribe('completing', handlers));
    expect(await failure(call)).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  test('invariant 2: a stream whose session is ended elsewhere does not revive it', async () => {
    const ended = gate();
    const changed = gate();
    const streams: Body = {
      slow: async function* ({ session }) {
        yield 'first';
        await ended.opened;
        session.data.a = 1;
        changed.open();
        yield 'second';
      },
    };
    const { sessions, store, token, subscriptions } = await subscriber('WebSocket', { streams });
    const values: unknown[] = [];
    const call = collect(
      (handlers) => subscriptions.stream.subscribe('slow', handlers),
      (value) => {
        values.push(value);
        if (values.length === 1) sessions.destroy(token.slice(3, 39)).then(ended.open);
      },
    );
    expect(await failure(call)).toMatchObject({ code: 'UNAUTHORIZED' });
    await changed.opened;
    expect(values).toEqual(['first']);
    expect(await store.count?.()).toBe(0);
  });
});

describe('generator procedures', () => {
  test('under httpBatchStreamLink they are saved at each value', async () => {
    const { login, client, stored, store } = await openBench({ streams: body });
    const token = await login();
    const values: unknown[] = [];
    for await (const value of await client('stream', token).generate.query('counting')) values.push(value);
    expect(values).toEqual([1, 2, 3]);
    expect(store.calls.replace).toBe(4);
    expect(await stored(token)).toMatchObject({ a: 3, b: 9 });
  });

  test('where they are not supported, they do not delay a neighbour', async () => {
    const { login, client, stored } = await openBench({
      streams: body,
      open: { change: ({ session }) => session && session.data.c++ },
    });
    const token = await login();
    const { generate, read } = client('batch', token);
    const { setTimeout } = globalThis;
    const held = vi
      .spyOn(globalThis, 'setTimeout')
      .mockImplementation((run, ms) => setTimeout(ms === 1_000 ? () => undefined : run, ms));
    const results = await Promise.allSettled([generate.query('counting'), read.query('change')]);
    held.mockRestore();
    expect(results).toMatchObject([{ reason: { data: { code: 'UNSUPPORTED_MEDIA_TYPE' } } }, { value: 0 }]);
    expect(await stored(token)).toMatchObject({ a: 0, c: 1 });
  });

  test('a result that only looks like an observable stays unchanged', async () => {
    const preferences = { subscribe: true, email: 'ann@example.com' };
    const { login, client } = await openBench({ open: { preferences: () => preferences } });
    expect(await client('single', await login()).read.query('preferences')).toEqual(preferences);
  });

  test('through createCaller they stay generators', async () => {
    const { app, login, stored } = await openBench({ streams: body });
    const token = await login();
    const caller = app.router.createCaller(app.createContext({ headers: { authorization: `Bearer ${token}` } }));
    const values: unknown[] = [];
    for await (const value of await caller.stream('counting')) values.push(value);
    expect(values).toEqual([1, 2, 3]);
    expect(await stored(token)).toMatchObject({ a: 3, b: 9 });
  });
});
