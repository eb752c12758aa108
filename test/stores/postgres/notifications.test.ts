import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type PostgresStore, postgresStore } from '../../../src/stores/postgres/index.js';
import { NOW, record } from '../support/records.js';
import { listener } from './support/listener.js';
import { describePostgres } from './support/server.js';

describePostgres('notifications of PostgreSQL', (postgres) => {
  let pool: pg.Pool;
  let store: PostgresStore;
  /** Another process. */
  let other: PostgresStore;
  let observer: pg.Client;

  beforeAll(async () => {
    pool = postgres.pool();
    store = postgresStore(pool);
    other = postgresStore(postgres.pool());
    observer = await postgres.client();
    await store.createTables();
  });
  const offs: (() => Promise<void>)[] = [];
  beforeEach(() => store.clear());
  afterEach(async () => {
    await Promise.all(offs.splice(0).map((off) => off().catch(() => undefined)));
  });

  async function subscribe(to: PostgresStore, heard: ReturnType<typeof listener>): Promise<() => Promise<void>> {
    if (!to.subscribe) throw new Error('the client can listen');
    const off = await to.subscribe(heard);
    offs.push(off);
    return off;
  }
  const backends = async (): Promise<number[]> => {
    const { rows } = await observer.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN %' AND state = 'idle'",
    );
    return rows.map((row) => row.pid);
  };

  test('reach every process for each deleted, evicted or cleared session, once, and for nothing else', async () => {
    const [here, there] = [listener(), listener()];
    await subscribe(store, here);
    await subscribe(other, there);
    const [deleted, evicted, byOwner, cleared] = [
      record(),
      record({ ownerId: 'ada', createdAt: NOW - 1 }),
      record({ ownerId: 'ada' }),
      record(),
    ];
    for (const each of [deleted, evicted, cleared]) await store.insert(each, 1000);
    await store.delete(deleted.id);
    await other.delete(deleted.id);
    await other.insertWithin(byOwner, 1000, { max: 1, onLimit: 'evict-oldest', now: NOW });
    await store.deleteByOwner('ada');
    await store.replace(cleared, cleared.version, 1000);
    await other.clear();
    const expected = [deleted, evicted, byOwner, cleared].map((each) => each.id);
    // Each store notifies separately, so ends by two of them may arrive in another order.
    const sorted = expected.toSorted();
    await vi.waitFor(() => expect([here.ids.toSorted(), there.ids.toSorted()]).toEqual([sorted, sorted]));
    expect([here.gaps, there.gaps]).toEqual([0, 0]);
  });

  test('carry any number of ids, in parts that fit into a notification', async () => {
    const heard = listener();
    const off = await subscribe(store, heard);
    const mine = Array.from({ length: 1001 }, () => record({ ownerId: 'ada' }));
    await Promise.all(mine.map((each) => store.insert(each, 1000)));
    const ended = await other.deleteByOwner('ada');
    await vi.waitFor(() => expect(heard.ids).toHaveLength(1001));
    expect(new Set(heard.ids)).toEqual(new Set(ended));
    expect(Math.max(...heard.calls)).toBeLessThanOrEqual(200);
    expect(heard.calls.length).toBeLessThan(12);
    await off();
  });

  test('are not sent for sessions that were rolled back or did not exist', async () => {
    const heard = listener();
    const off = await subscribe(store, heard);
    expect([await other.delete(record().id), await other.deleteByOwner('nobody')]).toEqual([false, []]);
    const mark = record();
    await store.insert(mark, 1000);
    await other.delete(mark.id);
    await vi.waitFor(() => expect(heard.ids).toEqual([mark.id]));
    await off();
  });

  test('use one connection while there are listeners, and none afterwards', async () => {
    const [first, second] = [listener(), listener()];
    const [off, offToo] = await Promise.all([subscribe(store, first), subscribe(store, second)]);
    expect(await backends()).toHaveLength(1);
    await off();
    const given = record();
    await store.insert(given, 1000);
    await store.delete(given.id);
    await vi.waitFor(() => expect(second.ids).toEqual([given.id]));
    expect(first.ids).toEqual([]);
    await offToo();
    await offToo();
    await vi.waitFor(async () => expect(await backends()).toEqual([]));
    const again = await subscribe(store, first);
    expect(await backends()).toHaveLength(1);
    await again();
  });

  test('report a gap when the connection is lost and when another one listens, which it does on its own', async () => {
    const heard = listener();
    const off = await subscribe(store, heard);
    const [pid] = await backends();
    await observer.query('SELECT pg_terminate_backend($1)', [pid]);
    await vi.waitFor(() => expect(heard.gaps).toBe(2), 5000);
    const given = record();
    await store.insert(given, 1000);
    await other.delete(given.id);
    await vi.waitFor(() => expect(heard.ids).toEqual([given.id]));
    await off();
  });

  test('a subscription that ends while the connection is lost is not opened again', async () => {
    const off = await subscribe(store, listener());
    const [pid] = await backends();
    await observer.query('SELECT pg_terminate_backend($1)', [pid]);
    await vi.waitFor(async () => expect(await backends()).not.toContain(pid));
    await off();
    await vi.waitFor(async () => expect(await backends()).toEqual([]));
    expect(pool.totalCount - pool.idleCount).toBe(0);
  });

  test('work through a separate Client, or the one that runs the statements', async () => {
    const client = await postgres.client();
    const subscriber = await postgres.client();
    for (const each of [postgresStore(client), postgresStore(pool, { subscriber })]) {
      const heard = listener();
      const off = await subscribe(each, heard);
      const given = record();
      await store.insert(given, 1000);
      await each.delete(given.id);
      await vi.waitFor(() => expect(heard.ids).toContain(given.id));
      await off();
      const later = record();
      await store.insert(later, 1000);
      await each.delete(later.id);
      expect(heard.ids).not.toContain(later.id);
    }
    expect([client.listenerCount('notification'), subscriber.listenerCount('end')]).toEqual([0, 0]);
  });

  test('a lost Client reports the gap and is not reconnected', async () => {
    const subscriber = await postgres.client();
    const heard = listener();
    const off = await subscribe(postgresStore(pool, { subscriber }), heard);
    await subscriber.end();
    await vi.waitFor(() => expect(heard.gaps).toBe(1));
    await off();
    await expect(subscribe(postgresStore(pool, { subscriber }), heard)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    expect(subscriber.listenerCount('notification')).toBe(0);
    subscriber.end = async () => undefined;
  });

  test('fail to subscribe if they cannot be opened, and the next try starts again', async () => {
    await observer.query('CREATE ROLE gone LOGIN');
    const refused = postgres.pool({ user: 'gone' });
    await refused.query('SELECT 1');
    await observer.query('ALTER ROLE gone NOLOGIN');
    const failing = postgresStore(refused, { subscriber: postgres.pool({ user: 'gone' }) });
    await expect(subscribe(failing, listener())).rejects.toThrow(/not permitted to log in/);
    await observer.query('ALTER ROLE gone LOGIN');
    const off = await subscribe(failing, listener());
    await off();
  });

  test('a name that clients quote differently has a channel as well', async () => {
    const strange = postgresStore(pool, { table: 'The "Sessions"' });
    await strange.createTables();
    const heard = listener();
    const off = await subscribe(strange, heard);
    const given = record();
    await strange.insert(given, 1000);
    await strange.delete(given.id);
    await vi.waitFor(() => expect(heard.ids).toEqual([given.id]));
    await off();
  });
});

describePostgres('a PostgreSQL that crashes', (postgres) => {
  test('keeps the writes it has answered, and notifications flow again when it is back', async () => {
    const store = postgresStore(postgres.pool());
    await store.createTables();
    const heard = listener();
    const off = await store.subscribe?.(heard);
    const [kept, deleted] = [record(), record()];
    await store.insert(kept, 1000);
    await store.insert(deleted, 1000);
    await store.delete(deleted.id);
    await postgres.server.restart();
    await vi.waitFor(() => expect(heard.gaps).toBeGreaterThanOrEqual(2), 10_000);
    expect(await store.findMany([kept.id, deleted.id])).toStrictEqual([kept, null]);
    await store.delete(kept.id);
    await vi.waitFor(() => expect(heard.ids).toContain(kept.id));
    await off?.();
  }, 60_000);
});
