import { neon, neonConfig } from '@neondatabase/serverless';
import { PrismaPg } from '@prisma/adapter-pg';
import { drizzle as drizzleOverPg } from 'drizzle-orm/node-postgres';
import { drizzle as drizzleOverPostgresJs } from 'drizzle-orm/postgres-js';
import { CamelCasePlugin, CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import mysql from 'mysql2';
import mysqlPromise from 'mysql2/promise';
import pg from 'pg';
import postgres from 'postgres';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { type PostgresClient, postgresStore } from '../../../src/stores/postgres/index.js';
import { NOW, record, rewritten } from '../support/records.js';
import { describePostgres, type Postgres } from './support/server.js';

/** A client, and the function that ends it. */
interface Opened {
  readonly client: PostgresClient;
  close(): unknown;
}

/** The clients that people use, each as in docs/stores/postgres.md. */
const CLIENTS: Readonly<Record<string, (server: Postgres) => Promise<Opened>>> = {
  async 'a Pool of pg'(server) {
    return { client: server.pool(), close: () => undefined };
  },
  async 'a Pool of pg that reads binary values'(server) {
    const config = { binary: true, max: 2 };
    return { client: server.pool(config), close: () => undefined };
  },
  async 'a Client of pg'(server) {
    return { client: await server.client(), close: () => undefined };
  },
  async 'postgres.js'(server) {
    const sql = postgres({ ...server.server.config, onnotice: () => undefined });
    return { client: { query: (text, params) => sql.unsafe(text, params) }, close: () => sql.end() };
  },
  async 'postgres.js that rewrites the names of columns'(server) {
    const sql = postgres({ ...server.server.config, onnotice: () => undefined, transform: postgres.camel });
    return { client: { query: (text, params) => sql.unsafe(text, params) }, close: () => sql.end() };
  },
  async 'Kysely that rewrites the names of columns'(server) {
    const dialect = new PostgresDialect({ pool: server.pool() });
    const db = new Kysely<object>({ dialect, plugins: [new CamelCasePlugin()] });
    return {
      client: { query: (text, params = []) => db.executeQuery(CompiledQuery.raw(text, params)) },
      close: () => undefined,
    };
  },
  async Kysely(server) {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: server.pool() }) });
    return {
      client: { query: (text, params = []) => db.executeQuery(CompiledQuery.raw(text, params)) },
      close: () => undefined,
    };
  },
  async 'Drizzle over pg'(server) {
    return { client: drizzleOverPg({ client: server.pool() }).$client, close: () => undefined };
  },
  async 'Drizzle over postgres.js'(server) {
    const db = drizzleOverPostgresJs({ client: postgres({ ...server.server.config, onnotice: () => undefined }) });
    return { client: { query: (text, params) => db.$client.unsafe(text, params) }, close: () => db.$client.end() };
  },
  async "Prisma's driver adapter"(server) {
    const adapter = await new PrismaPg(server.server.config).connect();
    // Works like Prisma Client's $queryRawUnsafe: returns rows as objects, made from columns and
    // lists.
    const query = async (sql: string, args: (string | null)[] = []) => {
      const argTypes = args.map(() => ({ scalarType: 'string', arity: 'scalar' }) as const);
      const { columnNames, rows } = await adapter.queryRaw({ sql, args, argTypes });
      return rows.map((row) => Object.fromEntries(columnNames.map((name, index) => [name, row[index]])));
    };
    return { client: { query }, close: () => adapter.dispose() };
  },
  async "Neon's HTTP driver"(server) {
    const pool = server.pool({ types: { getTypeParser: () => (value: string) => value } });
    neonConfig.fetchFunction = async (_url: string, { body }: { body: string }) => {
      const { query, params } = JSON.parse(body);
      try {
        const { fields, rows, command, rowCount } = await pool.query({
          text: query,
          values: params,
          rowMode: 'array',
        });
        return Response.json({ fields, rows, command, rowCount, rowAsArray: true });
      } catch (error) {
        const { message = '', code = '' } = error instanceof pg.DatabaseError ? error : {};
        return Response.json({ message, code }, { status: 400 });
      }
    };
    const sql = neon('postgres://user:password@example.com/database');
    return { client: { query: (text, params) => sql.query(text, params) }, close: () => undefined };
  },
};

describePostgres('the clients that people use', (server) => {
  describe.each(Object.entries(CLIENTS))('%s', (_name, open) => {
    test('creates the tables, runs every verb, and keeps every character', async () => {
      const { client, close } = await open(server);
      const store = postgresStore(client, { subscriber: false });
      await store.createTables();
      await store.clear();
      const given = record({ ownerId: "o'neill \\ \u0000", body: '{"text":"é😀 \\u0000 $1 %s"}' });
      expect(await store.insert(given, 1_000)).toBe('inserted');
      expect(await store.insert(given, 1_000)).toBe('inserted');
      expect(await store.insert(rewritten(given), 1_000)).toBe('exists');
      expect(await store.find(given.id)).toStrictEqual(given);
      const next = rewritten(given, { expiresAt: given.expiresAt + 1 });
      expect(await store.touch(next, given.version, 1_000)).toBe('replaced');
      expect(await store.replace(rewritten(next), given.version, 1_000)).toBe('conflict');
      expect(await store.touch(record(), 'v', 1_000)).toBe('gone');
      expect(await store.findMany([record().id, given.id])).toStrictEqual([null, next]);
      expect(await store.listByOwner(given.ownerId ?? '')).toStrictEqual([next]);
      expect([await store.count(), await store.sweep(NOW)]).toEqual([1, 0]);
      expect(await store.deleteByOwner(given.ownerId ?? '')).toEqual([given.id]);
      expect([await store.find(given.id), await store.delete(given.id)]).toEqual([null, false]);
      await close();
    });

    test.each(['deny', 'evict-oldest'] as const)('keeps a limit, %s, through the library', async (onLimit) => {
      const { client, close } = await open(server);
      const store = postgresStore(client, { subscriber: false });
      await store.clear();
      const sessions = createSessions<{ user: string }>({
        store,
        ownerOf: (data) => data.user,
        maxPerOwner: { max: 2, onLimit },
      });
      const logins = [];
      for (let i = 0; i < 2; i += 1) logins.push(await sessions.create({ user: 'ada' }));
      const third = sessions.create({ user: 'ada' });
      if (onLimit === 'deny') await expect(third).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
      else logins.push(await third);
      expect(await sessions.listFor('ada')).toHaveLength(2);
      const { session } = await sessions.fromToken(logins.at(-1)?.token);
      expect(session?.data).toEqual({ user: 'ada' });
      expect(await sessions.destroyFor('ada')).toBe(2);
      await close();
    });
  });
});

describe('a client of another kind is refused by its name:', () => {
  const refused = (client: unknown) => {
    // @ts-expect-error The compiler refuses most of these as well.
    const construct = () => postgresStore(client);
    return expect(construct);
  };
  let pool: pg.Pool;
  beforeAll(() => {
    pool = new pg.Pool();
  });

  test('mysql2', () => {
    for (const client of [mysql.createPool({}), mysqlPromise.createPool({})]) refused(client).toThrow(/mysql2/);
  });

  test('Drizzle, Kysely, Prisma and postgres.js, with the object to pass instead', () => {
    refused(drizzleOverPg({ client: pool })).toThrow(/Drizzle: pass its client, db\.\$client/);
    refused(new Kysely({ dialect: new PostgresDialect({ pool }) })).toThrow(/Kysely: .*executeQuery/);
    refused({ $queryRawUnsafe: () => undefined, $connect: () => undefined }).toThrow(/Prisma: .*\$queryRawUnsafe/);
    refused(postgres({ max: 1 })).toThrow(/postgres\.js: .*unsafe/);
  });
});
