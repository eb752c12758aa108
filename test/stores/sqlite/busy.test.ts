import { describe, expect, test, vi } from 'vitest';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import { record, rewritten } from '../support/records.js';
import { databaseFiles } from './support/files.js';

describe('while another process holds the write lock', () => {
  const files = databaseFiles();

  /** A store on a file, and another connection to the file that holds the lock. */
  function locked(busyTimeout: number) {
    const database = files.open(files.path());
    const store = sqliteStore(database, { busyTimeout });
    const other = files.open(files.path());
    other.exec('BEGIN IMMEDIATE');
    return { database, store, other };
  }

  test('a write waits without blocking this process, and is done once the lock is free', async () => {
    const { store, other } = locked(10_000);
    const given = record();
    let answered = false;
    const insertion = store.insert(given, 1000).then((outcome) => {
      answered = true;
      return outcome;
    });
    // Timers run and reads are answered in the meantime.
    for (let tick = 0; tick < 5; tick += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await store.find(given.id)).toBeNull();
    expect(answered).toBe(false);
    other.exec('COMMIT');
    expect(await insertion).toBe('inserted');
    expect(await store.find(given.id)).toStrictEqual(given);
  });

  test('a write fails after busyTimeout, has written nothing, and does not prevent later writes', async () => {
    const { store, other } = locked(0);
    const [refused, later] = [record({ ownerId: 'ada' }), record()];
    const limit = { max: 1, onLimit: 'evict-oldest', now: 0 } as const;
    const calls = [
      () => store.insert(refused, 1000),
      () => store.replace(refused, 'any', 1000),
      () => store.delete(refused.id),
      () => store.deleteByOwner('ada'),
      () => store.sweep(0),
      () => store.clear(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    await expect(store.insertWithin(refused, 1000, limit)).rejects.toMatchObject({ cause: { code: 'SQLITE_BUSY' } });
    other.exec('COMMIT');
    expect(await store.insert(later, 1000)).toBe('inserted');
    // Another connection sees it, so it is committed, and the lock is free.
    const seen = sqliteStore(other);
    expect(await seen.find(later.id)).toStrictEqual(later);
    expect(await seen.delete(later.id)).toBe(true);
    expect(await store.count()).toBe(0);
  });

  test("the driver's own wait is disabled in the meantime, and restored", async () => {
    const database = files.open(files.path());
    database.exec('PRAGMA busy_timeout = 60000');
    const store = sqliteStore(database, { busyTimeout: 0 });
    const other = files.open(files.path());
    other.exec('BEGIN IMMEDIATE');
    await expect(store.clear()).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
    expect(database.prepare('PRAGMA busy_timeout').all()).toEqual([{ timeout: 60_000 }]);
    other.exec('COMMIT');
    await store.clear();
    expect(database.prepare('PRAGMA busy_timeout').all()).toEqual([{ timeout: 60_000 }]);
  });

  test('of many waiting writes only one retries, and they are done in order', async () => {
    const { database, store, other } = locked(10_000);
    const exec = vi.spyOn(database, 'exec');
    const tries = () => exec.mock.calls.filter(([sql]) => sql.startsWith('BEGIN')).length;
    const order: number[] = [];
    const waiting = Array.from({ length: 300 }, (_, index) =>
      store.insert(record(), 1000).then(() => order.push(index)),
    );
    await vi.waitFor(() => expect(tries()).toBeGreaterThan(10), { timeout: 10_000, interval: 1 });
    expect(tries()).toBeLessThan(300);
    expect(order).toEqual([]);
    other.exec('COMMIT');
    await Promise.all(waiting);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('closing the database fails all waiting writes', async () => {
    const { database, store } = locked(60_000);
    const waiting = Array.from({ length: 3 }, () => store.insert(record(), 1000));
    database.close();
    const outcomes = await Promise.allSettled(waiting);
    expect(outcomes).toEqual(
      waiting.map(() => ({ status: 'rejected', reason: expect.objectContaining({ code: 'STORE_UNAVAILABLE' }) })),
    );
  });

  test('many waiting writes are all done', async () => {
    const { store, other } = locked(10_000);
    const given = record();
    const insertions = Array.from({ length: 20 }, () => store.insert(record(), 1000));
    insertions.push(store.insert(given, 1000));
    other.exec('COMMIT');
    expect(new Set(await Promise.all(insertions))).toEqual(new Set(['inserted']));
    expect(await store.replace(rewritten(given), given.version, 1000)).toBe('replaced');
    expect(await store.count()).toBe(21);
  });
});

describe('two stores on one file', () => {
  const files = databaseFiles();

  test("see each other's writes at once, and one of two replacements is done", async () => {
    const [one, two] = [files.open(files.path()), files.open(files.path())].map((database) => sqliteStore(database));
    const given = record({ ownerId: 'ada' });
    await one?.insert(given, 1000);
    const outcomes = await Promise.all(
      [one, two].map((store) => store?.replace(rewritten(given), given.version, 1000)),
    );
    expect(outcomes.sort()).toEqual(['conflict', 'replaced']);
    expect(await two?.deleteByOwner('ada')).toEqual([given.id]);
    expect(await one?.replace(rewritten(given), given.version, 1000)).toBe('gone');
  });

  test('a connection in a transaction of the application is not confused with a busy one', async () => {
    const database = files.open(files.path());
    const store = sqliteStore(database);
    database.exec('BEGIN');
    await expect(store.clear()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('a connection of its own'),
    });
    database.exec('COMMIT');
    await store.clear();
  });

  test('a write that fails half-way is undone completely', async () => {
    const database = files.open(files.path());
    const store = sqliteStore(database);
    const old = record({ ownerId: 'ada' });
    await store.insert(old, 1000);
    database.exec("CREATE TRIGGER refuse BEFORE INSERT ON token_sessions BEGIN SELECT RAISE(ABORT, 'refused'); END");
    const insertion = store.insertWithin(record({ ownerId: 'ada' }), 1000, {
      max: 1,
      onLimit: 'evict-oldest',
      now: 0,
    });
    await expect(insertion).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      cause: { message: expect.stringContaining('refused') },
    });
    // The eviction is undone as well.
    expect(await store.find(old.id)).toStrictEqual(old);
    expect(await sqliteStore(files.open(files.path())).count()).toBe(1);
  });

  test('an error after which SQLite has rolled back on its own is passed on', async () => {
    const database = files.open(files.path());
    const store = sqliteStore(database);
    database.exec(
      "CREATE TRIGGER refuse BEFORE INSERT ON token_sessions BEGIN SELECT RAISE(ROLLBACK, 'refused'); END",
    );
    await expect(store.insert(record(), 1000)).rejects.toThrow('refused');
    database.exec('DROP TRIGGER refuse');
    expect(await store.insert(record(), 1000)).toBe('inserted');
  });
});
