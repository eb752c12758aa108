import { EventEmitter } from 'node:events';
import { v7 } from 'uuid';
import { afterEach, expect, test, vi } from 'vitest';
import { postgresStore } from '../../../src/stores/postgres/index.js';

afterEach(() => {
  vi.useRealTimers();
});

/** A connection that does as it is told. */
class FakeConnection extends EventEmitter {
  released: boolean[] = [];
  listen: () => Promise<unknown> = async () => ({ rows: [] });
  query = () => this.listen();
  release = (close: boolean) => void this.released.push(close);
}

/** A pool whose connections come when `next` says so. */
function fakePool() {
  const handedOut: FakeConnection[] = [];
  const pool = {
    totalCount: 0,
    options: { max: 10 },
    handedOut,
    query: async () => ({ rows: [] }),
    next: async () => new FakeConnection(),
    async connect() {
      const connection = await pool.next();
      handedOut.push(connection);
      return connection;
    },
  };
  return pool;
}

function listening(pool: ReturnType<typeof fakePool>) {
  const heard = { ended: vi.fn(), gap: vi.fn() };
  const { subscribe } = postgresStore(pool);
  if (!subscribe) throw new Error('a pool can listen');
  return { heard, subscribe, subscribed: subscribe(heard) };
}

test('a connection on which LISTEN fails is closed, and the error told', async () => {
  const pool = fakePool();
  const connection = new FakeConnection();
  connection.listen = () => Promise.reject(new Error('no LISTEN here'));
  pool.next = async () => connection;
  await expect(listening(pool).subscribed).rejects.toThrow('no LISTEN here');
  expect(connection.released).toEqual([true]);
  // It may still fail on its way out: nothing happens then, twice.
  connection.emit('error', new Error('reset'));
  connection.emit('end');
  expect(connection.released).toEqual([true]);
});

test('a connection that is lost while LISTEN is answered is an error, and the next try is a new one', async () => {
  const pool = fakePool();
  const first = new FakeConnection();
  first.listen = async () => first.emit('error', new Error('reset'));
  pool.next = vi.fn(async () => new FakeConnection()).mockResolvedValueOnce(first);
  const { heard, subscribed, subscribe } = listening(pool);
  await expect(subscribed).rejects.toThrow('lost as soon as it was open');
  const off = await subscribe(heard);
  expect(heard.gap).not.toHaveBeenCalled();
  await off();
  expect(pool.handedOut.map((each) => each.released)).toEqual([[true], [true]]);
});

test('tries go on until a connection is there, and then a gap is told', async () => {
  const ids = [v7(), v7()];
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  const refuse = vi.fn(async (): Promise<FakeConnection> => Promise.reject(new Error('refused')));
  const accept = pool.next;
  pool.next = refuse;
  pool.handedOut[0]?.emit('end');
  await vi.waitFor(() => expect(refuse.mock.calls.length).toBeGreaterThan(3), 5000);
  expect(heard.gap).toHaveBeenCalledTimes(1);
  pool.next = accept;
  await vi.waitFor(() => expect(heard.gap).toHaveBeenCalledTimes(2), 5000);
  pool.handedOut[1]?.emit('notification', { channel: 'token_sessions_ended', payload: `${ids},text` });
  expect(heard.ended).toHaveBeenCalledWith(ids);
  await off();
});

test('a connection that comes after nobody listens any more is closed', async () => {
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  const late = new FakeConnection();
  let come: (connection: FakeConnection) => void = () => undefined;
  const waiting = new Promise<void>((asked) => {
    pool.next = () => {
      asked();
      return new Promise((resolve) => {
        come = resolve;
      });
    };
  });
  pool.handedOut[0]?.emit('end');
  await waiting;
  await off();
  come(late);
  await vi.waitFor(() => expect(late.released).toEqual([true]));
  expect(heard.gap).toHaveBeenCalledTimes(1);
});

test('tries end when nobody listens any more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const pool = fakePool();
  const off = await listening(pool).subscribed;
  const refuse = vi.fn(async (): Promise<FakeConnection> => {
    await off();
    throw new Error('refused');
  });
  pool.next = refuse;
  pool.handedOut[0]?.emit('end');
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(refuse).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});

test('between two tries nothing is left when nobody listens any more', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const pool = fakePool();
  const off = await listening(pool).subscribed;
  pool.handedOut[0]?.emit('end');
  expect(vi.getTimerCount()).toBe(1);
  await off();
  expect(vi.getTimerCount()).toBe(0);
  expect(pool.handedOut).toHaveLength(1);
});

test('what other channels tell, and what is no notification, is not passed on', async () => {
  const pool = fakePool();
  const { heard, subscribed } = listening(pool);
  const off = await subscribed;
  for (const message of [undefined, 'text', { channel: 'others', payload: 'x' }, { channel: 'token_sessions_ended' }]) {
    pool.handedOut[0]?.emit('notification', message);
  }
  await off();
  pool.handedOut[0]?.emit('notification', { channel: 'token_sessions_ended', payload: 'late' });
  expect(heard.ended).not.toHaveBeenCalled();
});
