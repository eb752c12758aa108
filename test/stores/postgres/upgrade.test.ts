import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/packed.js';
import { createTablesSql, type PostgresStore, postgresStore } from '../../../src/stores/postgres/index.js';
import { blocksOf } from '../../docs/blocks.js';
import { HOUR, NOW, record, rewritten } from '../support/records.js';
import { describePostgres } from './support/server.js';

/** The table of version 0.1.0, and the statements that it runs. */
const OLD_TABLE = `CREATE TABLE token_sessions (id uuid PRIMARY KEY, version text NOT NULL, owner_id text, created_at bigint NOT NULL,
  expires_at bigint NOT NULL, body text NOT NULL) WITH (fillfactor = 80);
CREATE INDEX token_sessions_owner ON token_sessions USING hash (owner_id);
CREATE INDEX token_sessions_expires_at ON token_sessions (expires_at);`;

const OLD = {
  insert: `INSERT INTO "token_sessions" AS stored (id, version, owner_id, created_at, expires_at, body)
VALUES ($1::uuid, $2, $3, $4::bigint, $5::bigint, $6)
ON CONFLICT (id) DO UPDATE SET version = stored.version WHERE stored.version = excluded.version
RETURNING 1 AS inserted`,
  replace: `WITH found AS (SELECT version FROM "token_sessions" WHERE id = $1::uuid FOR NO KEY UPDATE),
replaced AS (UPDATE "token_sessions" AS stored SET version = $3, expires_at = $4::bigint, body = $5 FROM found
  WHERE stored.id = $1::uuid AND found.version = $2)
SELECT version FROM found`,
  sweep: `WITH due AS MATERIALIZED (SELECT id FROM "token_sessions" WHERE expires_at <= $1::bigint LIMIT 1000 FOR UPDATE SKIP LOCKED),
swept AS (DELETE FROM "token_sessions" USING due WHERE "token_sessions".id = due.id RETURNING 1) SELECT count(*)::text AS count FROM swept`,
};

describePostgres('a table of version 0.1.0', (postgres) => {
  let pool: pg.Pool;
  let store: PostgresStore;

  beforeEach(async () => {
    pool = postgres.pool();
    await pool.query('DROP TABLE IF EXISTS token_sessions');
    await pool.query(OLD_TABLE);
    store = postgresStore(pool, { subscriber: false });
  });

  const insertAsOld = ({ id, version, ownerId, createdAt, expiresAt, body }: ReturnType<typeof record>) =>
    pool.query(OLD.insert, [id, version, ownerId ?? null, String(createdAt), String(expiresAt), body]);

  const indexes = async () => {
    const { rows } = await pool.query(
      "SELECT indexname FROM pg_indexes WHERE tablename = 'token_sessions' ORDER BY 1",
    );
    return rows.map((row) => row.indexname);
  };

  test.each(['createTables', 'createTablesSql'] as const)('is upgraded by %s, and keeps its sessions', async (way) => {
    const given = record({ ownerId: 'ada' });
    await insertAsOld(given);
    for (let times = 0; times < 2; times += 1) {
      if (way === 'createTables') await store.createTables();
      else await pool.query(createTablesSql());
    }
    expect(await indexes()).toEqual(['token_sessions_owner', 'token_sessions_pkey', 'token_sessions_sweep_at']);
    expect(await store.find(given.id)).toStrictEqual(given);
    expect(await store.listByOwner('ada')).toStrictEqual([given]);
    const next = rewritten(given);
    expect(await store.touch(next, given.version, 1_000)).toBe('replaced');
  });

  test('is upgraded by the SQL for large tables in docs/stores/postgres.md', async () => {
    const page = await readFile(join(ROOT, 'docs/stores/postgres.md'), 'utf8');
    const [block] = blocksOf(page).filter(({ language }) => language === 'sql');
    const statements = block?.text.split(';').filter((each) => each.trim() !== '') ?? [];
    expect(statements).toHaveLength(3);
    for (let times = 0; times < 2; times += 1) for (const each of statements) await pool.query(each);
    expect(await indexes()).toEqual(['token_sessions_owner', 'token_sessions_pkey', 'token_sessions_sweep_at']);
    expect(await store.insert(record(), 1_000)).toBe('inserted');
  });

  test('serves both versions of a rolling deploy', async () => {
    await store.createTables();
    const [old, fresh] = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
    await insertAsOld(old);
    await store.insert(fresh, 1_000);
    expect((await store.listByOwner('ada')).map(({ id }) => id).toSorted()).toEqual([old.id, fresh.id].toSorted());
    const byOld = rewritten(fresh, { expiresAt: NOW - 1 });
    await pool.query(OLD.replace, [fresh.id, fresh.version, byOld.version, String(byOld.expiresAt), byOld.body]);
    expect(await store.find(fresh.id)).toStrictEqual(byOld);
    expect((await pool.query(OLD.sweep, [String(NOW)])).rows).toEqual([{ count: '1' }]);
    expect(await store.count()).toBe(1);
  });

  test('a session that the old version inserted is swept when its deadline has passed, not before', async () => {
    await store.createTables();
    const [due, live] = [record({ expiresAt: NOW }), record({ expiresAt: NOW + HOUR })];
    for (const each of [due, live]) await insertAsOld(each);
    expect(await store.sweep(NOW)).toBe(1);
    expect(await store.find(live.id)).toStrictEqual(live);
    expect(await store.sweep(NOW + HOUR)).toBe(1);
  });

  test('a table in use is changed once it is free, and nothing waits behind it', async () => {
    await insertAsOld(record());
    const writer = await postgres.client();
    await writer.query('BEGIN; LOCK TABLE token_sessions IN ROW EXCLUSIVE MODE');
    const creating = store.createTables();
    const others = postgres.pool({ statement_timeout: 3_000 });
    // Other statements run between the retries.
    for (let i = 0; i < 20; i += 1)
      expect((await others.query('SELECT count(*)::int AS n FROM token_sessions')).rows).toEqual([{ n: 1 }]);
    await writer.query('COMMIT');
    await creating;
    expect(await indexes()).toContain('token_sessions_sweep_at');
  }, 60_000);

  test('without the upgrade, a write fails with the remedy', async () => {
    await expect(store.insert(record(), 1_000)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/sweep_at.*createTables/),
    });
  });
});

describePostgres('rule 28: touches and sweeps', (postgres) => {
  let pool: pg.Pool;
  let store: PostgresStore;
  beforeEach(async () => {
    pool = postgres.pool();
    store = postgresStore(pool, { subscriber: false });
    await pool.query('DROP TABLE IF EXISTS token_sessions');
    await store.createTables();
  });

  /** The number of bytes that the server has written to its log. */
  const written = async (): Promise<number> => {
    const { rows } = await pool.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS bytes");
    return Number(rows[0].bytes);
  };

  test('a touch of 60 kB writes at most 1 kB, and stays on its page', async () => {
    const body = JSON.stringify({
      text: Array.from({ length: 6_000 }, (_, i) => (i * 2_654_435_761).toString(36)).join(' '),
    });
    expect(body.length).toBeGreaterThan(40_000);
    let current = record({ body });
    await store.insert(current, HOUR);
    const touch = async (expiresAt: number) => {
      const next = rewritten(current, { body, expiresAt });
      expect(await store.touch(next, current.version, HOUR)).toBe('replaced');
      current = next;
    };
    for (let i = 0; i < 5; i += 1) await touch(current.expiresAt + 1);
    const before = await written();
    for (let i = 0; i < 100; i += 1) await touch(current.expiresAt + 600_000);
    expect((await written()) - before).toBeLessThanOrEqual(100 * 1_024);
    expect(await store.find(current.id)).toStrictEqual(current);
    await expect
      .poll(async () => {
        const sql =
          "SELECT n_tup_upd::int AS all, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'token_sessions'";
        const { rows } = await pool.query(sql);
        return rows[0].all >= 105 && rows[0].hot / rows[0].all >= 0.95;
      })
      .toBe(true);
  });

  test('a touched session is not swept at its first deadline, but at its last', async () => {
    const first = record({ expiresAt: NOW });
    await store.insert(first, 1_000);
    const touched = rewritten(first, { expiresAt: NOW + HOUR, body: first.body });
    await store.touch(touched, first.version, 1_000);
    expect(await store.sweep(NOW)).toBe(0);
    expect(await store.find(first.id)).toStrictEqual(touched);
    expect(await store.sweep(NOW + HOUR - 1)).toBe(0);
    expect(await store.sweep(NOW + HOUR)).toBe(1);
  });

  test('a session whose deadline was brought forward is swept when it has passed', async () => {
    const [touched, replaced] = [record({ expiresAt: NOW + 9 * HOUR }), record({ expiresAt: NOW + 9 * HOUR })];
    for (const each of [touched, replaced]) await store.insert(each, 1_000);
    await store.touch(rewritten(touched, { expiresAt: NOW }), touched.version, 1_000);
    await store.replace(rewritten(replaced, { expiresAt: NOW }), replaced.version, 1_000);
    expect(await store.sweep(NOW)).toBe(2);
  });
});

describePostgres('notifications', (postgres) => {
  test("do not use the pool's connections, whatever its size and the number of stores", async () => {
    const pool = postgres.pool({ max: 1 });
    const stores = ['users', 'admins', 'guests'].map((table) => postgresStore(pool, { table }));
    const ended: string[] = [];
    const stops = [];
    for (const store of stores) {
      await store.createTables();
      stops.push(await store.subscribe?.({ ended: (ids) => void ended.push(...ids), gap: () => undefined }));
    }
    const given = stores.map(() => record());
    for (const [index, store] of stores.entries()) {
      const each = given[index] ?? record();
      await store.insert(each, 1_000);
      await store.delete(each.id);
    }
    await expect.poll(() => ended.toSorted()).toEqual(given.map(({ id }) => id).toSorted());
    for (const stop of stops) await stop?.();
    expect(pool.totalCount).toBe(1);
  });

  describe('notify: false', () => {
    test('sends none, and still ends sessions', async () => {
      const pool = postgres.pool();
      const texts: string[] = [];
      const client = {
        query(text: string, params?: (string | null)[]) {
          texts.push(text);
          return pool.query(text, params);
        },
      };
      const store = postgresStore(client, { notify: false });
      await store.createTables();
      const [first, second, third] = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' }), record()];
      for (const each of [first, second, third]) await store.insert(each, 1_000);
      await store.delete(first.id);
      await store.deleteByOwner('ada');
      await store.clear();
      expect(await store.count()).toBe(0);
      expect(texts.filter((text) => /notify/i.test(text))).toEqual([]);
    });
  });

  test('fail no logout if they cannot be sent, and cause one warning', async () => {
    const pool = postgres.pool();
    const client = {
      query: (text: string, params?: (string | null)[]) =>
        text.includes('pg_notify') ? Promise.reject(new Error('could not access status')) : pool.query(text, params),
    };
    const store = postgresStore(client);
    const warnings: string[] = [];
    store.onWarning((line) => warnings.push(line));
    await store.createTables();
    for (let i = 0; i < 3; i += 1) {
      const given = record();
      await store.insert(given, 1_000);
      expect(await store.delete(given.id)).toBe(true);
    }
    await expect.poll(() => warnings).toEqual([expect.stringMatching(/notification/)]);
  });
});
