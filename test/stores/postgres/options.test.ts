import type { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import {
  createTablesSql,
  type PostgresClient,
  type PostgresStoreOptions,
  postgresStore,
} from '../../../src/stores/postgres/index.js';
import { NOW, record } from '../support/records.js';

const client: PostgresClient = { query: async () => ({ rows: [] }) };
const invalid = (option: string) =>
  expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(`^${option} `) });

describe('a wrong option is named', () => {
  test.each([[undefined], [null], ['postgres://localhost'], [{}], [{ query: 'text' }]])('client %j', (wrong) => {
    // @ts-expect-error The compiler refuses these as well.
    expect(() => postgresStore(wrong)).toThrow(invalid('client'));
  });

  test.each(['', 'auth.sessions', 'x'.repeat(49), 'é'.repeat(25), 'a\0b', '\ud800'])('table and schema %j', (name) => {
    expect(() => postgresStore(client, { table: name })).toThrow(invalid('table'));
    expect(() => postgresStore(client, { schema: name })).toThrow(invalid('schema'));
    expect(() => createTablesSql({ table: name })).toThrow(invalid('table'));
  });

  test('a name that is not text', () => {
    // @ts-expect-error The compiler refuses it as well.
    const options: PostgresStoreOptions = { table: 5 };
    expect(() => postgresStore(client, options)).toThrow(invalid('table'));
  });

  test('a subscriber that cannot listen', () => {
    expect(() => postgresStore(client, { subscriber: { query: client.query } })).toThrow(invalid('subscriber'));
    // @ts-expect-error The compiler refuses it as well.
    const options: PostgresStoreOptions = { subscriber: true };
    expect(() => postgresStore(client, options)).toThrow(invalid('subscriber'));
  });
});

test('names of 48 bytes, with quotes and capitals, are accepted', () => {
  expect(createTablesSql({ table: `A "quoted" ${'x'.repeat(37)}`, schema: 'Auth' })).toContain(
    'CREATE TABLE IF NOT EXISTS "Auth"."A ""quoted"" xxx',
  );
});

test('subscribe exists if the client can listen', () => {
  const subscribable = (...args: Parameters<typeof postgresStore>) => 'subscribe' in postgresStore(...args);
  expect(subscribable(new pg.Pool())).toBe(true);
  expect(subscribable(new pg.Client())).toBe(true);
  expect(subscribable(client, { subscriber: new pg.Client() })).toBe(true);
  expect(subscribable(client)).toBe(false);
  expect(subscribable(new pg.Pool(), { subscriber: false })).toBe(false);
  expect(subscribable(new pg.Pool({ max: 1 }))).toBe(true);
});

describe('clients with other answers', () => {
  const row = { id: record().id, version: 'v', owner: null, created: NOW, expires: BigInt(NOW), body: '{}' };

  test('rows without a wrapper, numbers and bigints are read', async () => {
    const store = postgresStore({ query: async () => [row] });
    expect(await store.find(row.id)).toStrictEqual({
      id: row.id,
      version: 'v',
      createdAt: NOW,
      expiresAt: NOW,
      body: '{}',
    });
  });

  test.each([{ expires: 'soon' }, { created: null }, { version: null }, { body: { v: 1 } }])(
    'invariant 6: a row with %j is INVALID_DATA',
    async (field) => {
      const store = postgresStore({ query: async () => ({ rows: [{ ...row, ...field }] }) });
      await expect(store.find(row.id)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    },
  );

  test('an answer without rows is an INVALID_OPTION', async () => {
    await expect(postgresStore({ query: async () => undefined }).find(row.id)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  });

  test("a server's other errors are passed on", async () => {
    const error = Object.assign(new Error('disk full'), { code: '53100' });
    await expect(postgresStore({ query: () => Promise.reject(error) }).count()).rejects.toBe(error);
  });

  test('a repeated serialisation failure is reported in the end', async () => {
    let tries = 0;
    const query = async () => {
      tries += 1;
      throw Object.assign(new Error('could not serialize access'), { code: '40001' });
    };
    await expect(postgresStore({ query }).count()).rejects.toThrow('could not serialize');
    expect(tries).toBe(10);
  });
});

test('the supported clients fit the type', () => {
  const clients: PostgresClient[] = [new pg.Pool(), new pg.Client()];
  const lite = (database: PGlite): PostgresClient => database;
  const pooled = (connection: pg.PoolClient): PostgresClient => connection;
  expect([clients.length, lite.length, pooled.length]).toEqual([2, 1, 1]);
});
