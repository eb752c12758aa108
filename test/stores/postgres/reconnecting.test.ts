import { EventEmitter } from 'node:events';
import { v7 } from 'uuid';
import { afterEach, expect, test, vi } from 'vitest';
import { postgresStore } from '../../../src/stores/postgres/index.js';

afterEach(() => {
  vi.useRealTimers();
});

/** A connection whose answers the test decides. */
class FakeConnection extends EventEmitter {
  ends = 0;
  listen: () => Promise<unknown> = async () => ({ rows: [] });
  connect: () => Promise<unknown> = async () => undefined;
  query = () => this.listen();
  async end(): Promise<void> {
    this.ends += 1;
  }
}

/** A pool, and the connections that were made outside it; `next` makes them. */
function fakePool() {
  const opened: FakeConnection[] = [];
  const pool = {
    totalCount: 0,
    options: { max: 10 },
    opened,
    query: async () => ({ rows: [] }),
    connect: async () => Promise.reject(new Error('no connection is taken from the pool')),
    next: (): FakeConnection => new FakeConnection(),
    Client: class {
      constructor(options: object) {
        expect(options).toBe(pool.options);
        const connection = pool.next();
        opened.push(connection);
        // biome-ignore lint/correctness/noConstructorReturn: a class whose objects are the test's
        return connection;
      }
    },
  };
  return pool;
}

/** A connection that cannot connect. */
function refusing(): FakeConnection {
  const connection = new FakeConnection();
  connection.connect = () => Promise.reject(new Error('refused'));
  return connection;
}

function listening(pool: ReturnType<typeof fakePool>) {
  const heard = { ended: vi.fn(), gap: vi.fn() };
  const { subscribe } = postgresStore(pool);
  if (!subscribe) throw new Error('a pool can listen');
  return { heard, subscribe, subscribed: subscribe(heard) };
}

test('a connection on which LISTEN fails is closed, and the error is reported', async () => {
  const pool = fakePool();
  const connection = new FakeConnection();
  connection.listen = () => Promise.reject(new Error('no LISTEN here'));
  pool.next = () => connection;
  await expect(listening(pool).subscribed).rejects.toThrow('no LISTEN here');
  expect(connection.ends).toBe(1);
  // It may still fail while it closes: nothing more happens then, even twice.
  connection.emit('error', new Error('reset'));
  connection.emit('end');
  expect(connection.ends).toBe(1);
});

test('a connection that is lost during LISTEN causes an error, and the next try starts again', async () => {
  const pool = fakePool();
  const first = new FakeConnection();
  first.listen = async () => first.emit('error', new Error('reset'));
  pool.next = vi.fn(() => new FakeConnection()).mockReturnValueOnce(first);
  const { heard, subscribed, subscribe } = listening(pool);
  await expect(subscribed).rejects.toThrow('lost immediately after it was opened');
  const off = await subscribe(heard);
  expect(heard.gap).not.toHaveBeenCalled();
  await off();
  expect(pool.opened.map((each) => each.ends)).toEqual([1, 1]);
});

test('retries continue until a connection is open, and then a gap is reported', async () => {
  const ids = [v7(), v7()];
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  const refuse = vi.fn(refusing);
  const accept = pool.next;
  pool.next = refuse;
  pool.opened[0]?.emit('end');
  await vi.waitFor(() => expect(refuse.mock.calls.length).toBeGreaterThan(3), 5000);
  expect(heard.gap).toHaveBeenCalledTimes(1);
  pool.next = accept;
  await vi.waitFor(() => expect(heard.gap).toHaveBeenCalledTimes(2), 5000);
  pool.opened.at(-1)?.emit('notification', { channel: 'token_sessions_ended', payload: `${ids},text` });
  expect(heard.ended).toHaveBeenCalledWith(ids);
  await off();
});

test('a connection that opens after the last listener has left is closed', async () => {
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  const late = new FakeConnection();
  let come: (value?: unknown) => void = () => undefined;
  const waiting = new Promise<void>((asked) => {
    late.connect = () => {
      asked();
      return new Promise((resolve) => {
        come = resolve;
      });
    };
  });
  pool.next = () => late;
  pool.opened[0]?.emit('end');
  await waiting;
  await off();
  come();
  await vi.waitFor(() => expect(late.ends).toBe(1));
  expect(heard.gap).toHaveBeenCalledTimes(1);
});

test('retries end when the last listener has left', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const pool = fakePool();
  const off = await listening(pool).subscribed;
  const refuse = vi.fn(() => {
    const connection = new FakeConnection();
    connection.connect = async () => {
      await off();
      throw new Error('refused');
    };
    return connection;
  });
  pool.next = refuse;
  pool.opened[0]?.emit('end');
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(refuse).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('nothing is left between two retries after the last listener has left', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const pool = fakePool();
  const off = await listening(pool).subscribed;
  pool.opened[0]?.emit('end');
  expect(vi.getTimerCount()).toBe(1);
  await off();
  expect(vi.getTimerCount()).toBe(0);
  expect(pool.opened).toHaveLength(1);
});

test('messages of other channels, and invalid notifications, are not passed on', async () => {
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  for (const message of [
    undefined,
    'text',
    { channel: 'others', payload: 'x' },
    { channel: 'token_sessions_ended' },
  ]) {
    pool.opened[0]?.emit('notification', message);
  }
  await off();
  pool.opened[0]?.emit('notification', { channel: 'token_sessions_ended', payload: 'late' });
  expect(heard.ended).not.toHaveBeenCalled();
});
