import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTablesSql, type PostgresClient, postgresStore } from '../../../src/stores/postgres/index.js';
import { record } from '../support/records.js';
import { describePostgres } from './support/server.js';

describePostgres('createTables of PostgreSQL', (postgres) => {
  let pool: pg.Pool;
  beforeAll(() => {
    pool = postgres.pool();
  });

  test('is done once, whatever the number of concurrent calls', async () => {
    for (let round = 0; round < 10; round += 1) {
      const options = { schema: `Schema ${round}`, table: 'The "sessions"' };
      const stores = [
        postgresStore(pool, options),
        postgresStore(pool, options),
        postgresStore(pool, options),
        postgresStore(pool, options),
      ];
      await Promise.all(stores.map((store) => store.createTables()));
      const given = record({ ownerId: 'ada' });
      await stores[0]?.insert(given, 1000);
      expect(await stores[1]?.listByOwner('ada')).toStrictEqual([given]);
    }
  });

  test('is done once by processes that start at the same time', async () => {
    const script = new URL('./support/create-tables.ts', import.meta.url).pathname;
    const argument = JSON.stringify({ config: postgres.server.config, options: { table: 'by_processes' } });
    const run = () => promisify(execFile)(process.execPath, ['--import', 'tsx', script, argument]);
    await Promise.all([run(), run(), run()]);
    expect(await postgresStore(pool, { table: 'by_processes' }).count()).toBe(3);
  }, 60_000);

  test('creates missing parts, such as an index, and keeps the rest', async () => {
    const store = postgresStore(pool, { table: 'partly' });
    await store.createTables();
    await store.insert(record(), 1000);
    await pool.query('DROP INDEX partly_owner');
    await store.createTables();
    expect((await pool.query("SELECT to_regclass('partly_owner') AS index")).rows).toEqual([
      { index: 'partly_owner' },
    ]);
    expect(await store.count()).toBe(1);
  });

  test('the statements use their indexes', async () => {
    await postgresStore(pool, { table: 'indexed' }).createTables();
    const planner = await postgres.client({ options: '-c enable_seqscan=off' });
    const plan = async (where: string) =>
      JSON.stringify((await planner.query(`EXPLAIN SELECT body FROM indexed WHERE ${where}`)).rows);
    expect(await plan("owner_id = 'ada'")).toContain('indexed_owner');
    expect(await plan('sweep_at <= 5')).toContain('indexed_sweep_at');
    expect(await plan(`id = ANY (string_to_array('${record().id}', ',')::uuid[])`)).toContain('indexed_pkey');
  });

  test('does not wait if nothing is missing: for a writer, or in an account that may create nothing', async () => {
    const store = postgresStore(pool, { table: 'in_use' });
    await store.createTables();
    await pool.query('CREATE ROLE plain LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON in_use TO plain');
    const writer = await postgres.client();
    await writer.query('BEGIN; LOCK TABLE in_use IN ROW EXCLUSIVE MODE');
    await postgresStore(postgres.pool({ user: 'plain', statement_timeout: 2000 }), { table: 'in_use' }).createTables();
    await writer.query('ROLLBACK');
  });

  test('refuses a table with other columns, and names them', async () => {
    await pool.query('CREATE TABLE others (sid text PRIMARY KEY, sess json, expire timestamp)');
    const store = postgresStore(pool, { table: 'others' });
    await expect(store.createTables()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/others.*sid text, sess json, expire timestamp.*id uuid, version text/),
    });
  });

  test('refuses a database that is not in UTF8', async () => {
    await pool.query("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
    await expect(postgresStore(postgres.pool({ database: 'latin' })).createTables()).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('LATIN1'),
    });
  });

  test('its SQL, run as a migration, creates the same table', async () => {
    const options = { schema: 'migrated', table: 'sessions' };
    await pool.query(createTablesSql(options));
    await pool.query(createTablesSql(options));
    const store = postgresStore(pool, options);
    await store.createTables();
    expect(await store.insert(record(), 1000)).toBe('inserted');
  });

  describe('without it, the first use reports what is missing:', () => {
    const unusable = (pattern: RegExp) => ({
      name: 'SessionError',
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(pattern),
    });

    test('the table', async () => {
      await expect(postgresStore(pool, { table: 'nowhere' }).find(record().id)).rejects.toMatchObject(
        unusable(/table.*is missing.*createTables/),
      );
    });

    test('columns, types, the primary key, or values for a foreign column', async () => {
      const columns = 'version text, owner_id text, created_at bigint, expires_at bigint, body text';
      await pool.query(`CREATE TABLE no_columns (id uuid); CREATE TABLE other_types (id text PRIMARY KEY, ${columns});
        CREATE TABLE no_key (id uuid, ${columns});
        CREATE TABLE more (id uuid PRIMARY KEY, ${columns}, tenant int NOT NULL)`);
      const uses = async (table: string) => {
        const store = postgresStore(pool, { table });
        const given = record();
        await store.insert(given, 1000);
        await store.find(given.id);
      };
      for (const table of ['no_columns', 'other_types', 'no_key', 'more']) {
        await expect(uses(table), table).rejects.toMatchObject(
          unusable(/id, version, owner_id, created_at, expires_at, body/),
        );
      }
    });

    test('a client that was closed', async () => {
      const closedPool = postgres.pool();
      const closedClient = await postgres.client();
      await Promise.all([closedPool.end(), closedClient.end()]);
      closedPool.end = async () => undefined;
      for (const client of [closedPool, closedClient]) {
        await expect(postgresStore(client).find(record().id)).rejects.toMatchObject(unusable(/has been closed/));
      }
    });
  });
});

test('a server that is too old is reported', async () => {
  const client: PostgresClient = { query: async () => ({ rows: [{ server: '110022', encoding: 'UTF8' }] }) };
  await expect(postgresStore(client).createTables()).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/PostgreSQL 12 or later.*110022/),
  });
});

test('a repeated error is not retried for ever', async () => {
  let calls = 0;
  const client: PostgresClient = {
    query: async (text) => {
      if (text.includes('server_version_num'))
        return { rows: [{ server: '150000', encoding: 'UTF8', columns: null }] };
      calls += 1;
      throw Object.assign(new Error('already exists'), { code: '42P07' });
    },
  };
  await expect(postgresStore(client).createTables()).rejects.toThrow('already exists');
  expect(calls).toBe(5);
});
