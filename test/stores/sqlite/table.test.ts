import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { createTablesSql, type SqliteDatabase, sqliteStore } from '../../../src/stores/sqlite/index.js';
import { record } from '../support/records.js';
import { databaseFiles } from './support/files.js';

const files = databaseFiles();
const invalid = (pattern: RegExp) =>
  expect.objectContaining({ name: 'SessionError', code: 'INVALID_OPTION', message: expect.stringMatching(pattern) });

test('the store creates the table with its indexes at construction, and sets write-ahead logging', () => {
  const database = files.open(files.path());
  sqliteStore(database);
  const plan = (where: string) =>
    JSON.stringify(database.prepare(`EXPLAIN QUERY PLAN SELECT body FROM token_sessions WHERE ${where}`).all());
  expect(plan("owner_id = 'ada'")).toContain('USING INDEX token_sessions_owner');
  expect(plan('expires_at <= 5')).toContain('USING INDEX token_sessions_expires_at');
  expect(plan("id = 'x'")).toContain('USING INDEX');
  expect(files.open(files.path()).prepare('PRAGMA journal_mode').all()).toEqual([{ journal_mode: 'wal' }]);
});

test('existing sessions are kept: they outlive the process', async () => {
  const given = record({ ownerId: 'ada' });
  const before = files.open(files.path());
  await sqliteStore(before).insert(given, 1000);
  before.close();
  expect(await sqliteStore(files.open(files.path())).find(given.id)).toStrictEqual(given);
});

test('stores with different tables share a file and stay separate', async () => {
  const database = files.open(files.path());
  const [one, two] = [sqliteStore(database), sqliteStore(database, { table: 'Other "sessions"' })];
  await one.insert(record(), 1000);
  expect([await one.count(), await two.count()]).toEqual([1, 0]);
  await two.clear();
  expect(await one.count()).toBe(1);
});

test('its SQL, run as a migration, creates the same table', async () => {
  const database = files.open(files.path());
  database.exec(createTablesSql({ table: 'migrated' }));
  database.exec(createTablesSql({ table: 'migrated' }));
  expect(await sqliteStore(database, { table: 'migrated' }).insert(record(), 1000)).toBe('inserted');
});

test('processes that start at the same time on a new file create the table once', async () => {
  const script = new URL('./support/start.ts', import.meta.url).pathname;
  const path = files.path();
  await Promise.all(
    Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['--import', 'tsx', script, path])),
  );
  expect(await sqliteStore(files.open(path)).count()).toBe(4);
}, 60_000);

test('a start during a lock waits for it', async () => {
  const path = files.path();
  const script = new URL('./support/hold.ts', import.meta.url).pathname;
  const holder = execFile(process.execPath, ['--import', 'tsx', script, path]);
  await new Promise((resolve) => holder.stdout?.once('data', resolve));
  const left = new Promise((resolve) => holder.once('exit', resolve));
  expect(await sqliteStore(files.open(path)).count()).toBe(0);
  await left;
}, 60_000);

test('a start during a long lock is an outage, not a wrong option', () => {
  const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValue(60_000);
  const locked: SqliteDatabase = {
    prepare: (sql) => ({
      all: () => (sql.includes('sqlite_version') ? [{ version: '3.45.0' }] : [{ journal_mode: 'delete' }]),
    }),
    exec: () => {
      throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
    },
  };
  try {
    expect(() => sqliteStore(locked)).toThrow(
      expect.objectContaining({ name: 'SessionError', code: 'STORE_UNAVAILABLE' }),
    );
  } finally {
    clock.mockRestore();
  }
});

test('invariant 3: an object that passes on only prepare serves as a database', async () => {
  const database = files.open(files.path());
  const store = sqliteStore({ prepare: (sql) => database.prepare(sql) });
  const sessions = createSessions<{ count: number }>({ store });
  const { id, token } = await sessions.create({ count: 0 });
  const increment = async () =>
    (await sessions.fromToken(token)).session?.update((data) => {
      data.count += 1;
    });
  await Promise.all(Array.from({ length: 10 }, increment));
  expect((await sessions.find(id))?.data).toEqual({ count: 10 });
  expect(database.prepare('PRAGMA journal_mode').get()).toMatchObject({ journal_mode: 'wal' });
  expect(database.inTransaction).toBe(false);
});

describe('an unusable database is refused with the reason:', () => {
  test('a table with other columns', () => {
    const database = files.open(files.path());
    database.exec('CREATE TABLE token_sessions (sid TEXT PRIMARY KEY, sess TEXT, expire INTEGER)');
    expect(() => sqliteStore(database)).toThrow(invalid(/token_sessions.*sid, sess, expire.*id, version, owner_id/));
    database.exec(`CREATE TABLE no_key (id, version, owner_id, created_at, expires_at, body)`);
    expect(() => sqliteStore(database, { table: 'no_key' })).toThrow(invalid(/id as its primary key/));
  });

  test('a name that an index has', () => {
    const database = files.open(files.path());
    database.exec('CREATE TABLE others (id); CREATE INDEX token_sessions ON others (id)');
    expect(() => sqliteStore(database)).toThrow(invalid(/cannot be prepared.*index named/));
    // No transaction is left open.
    database.exec('BEGIN; COMMIT');
  });

  test('a file that is not a database', () => {
    writeFileSync(files.path(), 'Something else than a database, and longer than its header would be. '.repeat(20));
    expect(() => sqliteStore(files.open(files.path()))).toThrow(invalid(/cannot be prepared.*not a database/));
  });

  test('a read-only database', () => {
    const database = files.open(files.path());
    database.exec('PRAGMA journal_mode = WAL; PRAGMA query_only = 1');
    expect(() => sqliteStore(database)).toThrow(invalid(/readonly/));
  });

  test('a database that is closed, from the start or later', async () => {
    const database = files.open(files.path());
    const store = sqliteStore(database);
    database.close();
    await expect(store.clear()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('has been closed'),
    });
    expect(() => sqliteStore(database)).toThrow(expect.objectContaining({ name: 'SessionError' }));
  });

  test.each([undefined, null, 'sessions.db', {}, { prepare: () => undefined }])('another value: %j', (wrong) => {
    // @ts-expect-error The compiler refuses these as well.
    expect(() => sqliteStore(wrong)).toThrow(invalid(/^database must (have prepare|be that of)/));
  });

  test('an asynchronous driver', () => {
    const promised: SqliteDatabase = { prepare: () => ({ all: async () => [] }), exec: () => undefined };
    expect(() => sqliteStore(promised)).toThrow(invalid(/synchronous driver/));
    // @ts-expect-error The compiler refuses it as well.
    expect(() => sqliteStore({ prepare: async () => undefined, exec: () => undefined })).toThrow(
      invalid(/synchronous driver/),
    );
  });

  test('a version of SQLite that is too old', () => {
    const old: SqliteDatabase = { prepare: () => ({ all: () => [{ version: '3.37.2' }] }), exec: () => undefined };
    expect(() => sqliteStore(old)).toThrow(invalid(/3\.38 or later.*3\.37\.2/));
  });

  test('a driver that throws a value that is not an error', () => {
    const odd: SqliteDatabase = {
      prepare: () => {
        throw 'odd';
      },
      exec: () => undefined,
    };
    expect(() => sqliteStore(odd)).toThrow(invalid(/odd/));
  });
});

describe('a wrong option is named', () => {
  test.each(['', 'main.sessions', 'x'.repeat(49), 'a\0b', 'sqlite_sessions'])('table %j', (table) => {
    expect(() => sqliteStore(files.open(':memory:'), { table })).toThrow(invalid(/^table /));
  });

  test.each([-1, 1.5, Number.NaN, 'soon'])('busyTimeout %j', (busyTimeout) => {
    // @ts-expect-error The compiler refuses text that is no duration.
    expect(() => sqliteStore(files.open(':memory:'), { busyTimeout })).toThrow(invalid(/^busyTimeout /));
  });
});
