import type pg from 'pg';
import { expect, test } from 'vitest';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { record } from '../support/records.js';
import { describePostgres } from './support/server.js';

describePostgres('one schema for each tenant', (postgres) => {
  test('createTables creates the table where CREATE TABLE would, and the store keeps using it', async () => {
    const admin = postgres.pool();
    await admin.query('CREATE SCHEMA a; CREATE SCHEMA "B b"');
    await postgresStore(admin, { subscriber: false }).createTables();
    const tenant = async (name: string) => {
      const store = postgresStore(postgres.pool({ options: `-c search_path=${name},public` }), { subscriber: false });
      for (let times = 0; times < 2; times += 1) await store.createTables();
      return store;
    };
    const [a, b] = [await tenant('a'), await tenant('"B\\ b"')];
    const given = record({ ownerId: 'ada' });
    await a.insert(given, 1_000);
    expect(await a.find(given.id)).toStrictEqual(given);
    expect([await b.find(given.id), await b.listByOwner('ada'), await b.count()]).toEqual([null, [], 0]);
    const { rows } = await admin.query(
      "SELECT schemaname FROM pg_tables WHERE tablename = 'token_sessions' ORDER BY 1",
    );
    expect(rows.map((row) => row.schemaname)).toEqual(['B b', 'a', 'public']);
    // This also holds for a connection whose path has changed since.
    const moving = postgres.pool({ max: 1 });
    const store = postgresStore(moving, { subscriber: false, schema: 'a' });
    await moving.query('SET search_path = public');
    expect(await store.find(given.id)).toStrictEqual(given);
  });
});

describePostgres('prepared statements', (postgres) => {
  const prepared = async (pool: pg.Pool): Promise<number> => {
    const { rows } = await pool.query(
      "SELECT count(*)::int AS n FROM pg_prepared_statements WHERE name LIKE 'token_sessions_%'",
    );
    return rows[0].n;
  };

  test('are used by the server, unless prepare is false', async () => {
    for (const prepare of [true, false]) {
      const pool = postgres.pool({ max: 1 });
      const store = postgresStore(pool, { subscriber: false, prepare });
      await store.createTables();
      for (let i = 0; i < 3; i += 1) await store.find(record().id);
      expect(await prepared(pool)).toBe(prepare ? 1 : 0);
    }
  });

  test('are abandoned once the server has forgotten them, as behind a pooler: with one warning and no failure', async () => {
    const pool = postgres.pool({ max: 1 });
    const store = postgresStore(pool, { subscriber: false });
    const warnings: string[] = [];
    store.onWarning((line) => warnings.push(line));
    await store.createTables();
    const given = record();
    await store.insert(given, 1_000);
    await store.find(given.id);
    expect(warnings).toEqual([]);
    await pool.query('DEALLOCATE ALL');
    expect(await store.find(given.id)).toStrictEqual(given);
    expect(await store.delete(given.id)).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/prepare: false/)]);
  });

  test('are also abandoned if another connection of the pooler has taken their name', async () => {
    const pool = postgres.pool({ max: 1 });
    const store = postgresStore(pool, { subscriber: false, table: 'taken' });
    await store.createTables();
    const given = record();
    await store.insert(given, 1_000);
    const [{ name, statement } = { name: '', statement: '' }] = (
      await pool.query('SELECT name, statement FROM pg_prepared_statements')
    ).rows;
    const other = postgres.pool({ max: 1 });
    await other.query(`PREPARE ${name} (text, text, text, text, text, text) AS ${statement}`);
    expect(await postgresStore(other, { subscriber: false, table: 'taken' }).insert(record(), 1_000)).toBe('inserted');
  });
});
