import { PGlite } from '@electric-sql/pglite';
import { createClient as createLibsqlClient } from '@libsql/client';
import { Redis as UpstashRedis } from '@upstash/redis';
import { drizzle } from 'drizzle-orm/node-postgres';
import { Redis } from 'ioredis';
import { Kysely, PostgresDialect } from 'kysely';
import Libsql from 'libsql';
import mysql from 'mysql2';
import pg from 'pg';
import postgres from 'postgres';
import { createClient } from 'redis';
import { describe, expect, test } from 'vitest';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { type Database, wrongKind } from '../../src/stores/shared/kinds.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';

const CLIENTS = {
  pool: new pg.Pool(),
  mysql: mysql.createPool({}),
  redis: createClient(),
  ioredis: new Redis({ lazyConnect: true }),
  upstash: new UpstashRedis({ url: 'https://example.com', token: 'token' }),
  sqlite: new Libsql(':memory:'),
  libsql: createLibsqlClient({ url: 'file::memory:' }),
};

const STORES: Readonly<Record<string, (client: never) => unknown>> = { postgresStore, redisStore, sqliteStore };

test.each([
  ['postgresStore', 'mysql', /mysql2/],
  ['postgresStore', 'redis', /node-redis: pass it to redisStore of token-sessions\/redis/],
  ['postgresStore', 'ioredis', /ioredis.*redisStore/],
  ['postgresStore', 'upstash', /@upstash\/redis.*redisStore/],
  ['postgresStore', 'sqlite', /SQLite.*sqliteStore of token-sessions\/sqlite/],
  ['postgresStore', 'libsql', /@libsql\/client.*sqliteStore/],
  ['redisStore', 'pool', /a client of pg: pass it to postgresStore of token-sessions\/postgres/],
  ['redisStore', 'mysql', /mysql2/],
  ['redisStore', 'sqlite', /sqliteStore/],
  ['redisStore', 'libsql', /sqliteStore/],
  ['sqliteStore', 'pool', /postgresStore/],
  ['sqliteStore', 'mysql', /mysql2/],
  ['sqliteStore', 'redis', /redisStore/],
  ['sqliteStore', 'ioredis', /redisStore/],
] as const)('%s refuses a client of %s by its name', (store, client, message) => {
  const construct: ((client: never) => unknown) | undefined = STORES[store];
  const wrong: unknown = CLIENTS[client];
  // @ts-expect-error No store takes these by their types either.
  expect(() => construct?.(wrong)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
  );
});

/** An object with these methods, in place of a client whose package is not installed here. */
function withMethods(...names: string[]): object {
  return Object.fromEntries(names.map((name) => [name, () => undefined]));
}

const DATABASES: readonly Database[] = ['PostgreSQL', 'SQLite', 'Redis'];

describe('the kind of a client', () => {
  test.each<[string, unknown, Database, RegExp]>([
    ['pg', CLIENTS.pool, 'PostgreSQL', /^a client of pg: pass it to postgresStore/],
    ['PGlite', Object.create(PGlite.prototype), 'PostgreSQL', /^a database of PGlite: pass it to postgresStore/],
    ['node-redis', CLIENTS.redis, 'Redis', /^a client of node-redis: pass it to redisStore/],
    ['ioredis', CLIENTS.ioredis, 'Redis', /^a client of ioredis or iovalkey: pass it to redisStore/],
    ['Upstash', CLIENTS.upstash, 'Redis', /^a client of @upstash\/redis: pass it to redisStore/],
    ['libsql', CLIENTS.sqlite, 'SQLite', /^a database of SQLite: pass it to sqliteStore/],
    ['@libsql/client', CLIENTS.libsql, 'SQLite', /^a client of @libsql\/client: pass it to sqliteStore/],
    [
      'Cloudflare D1',
      withMethods('prepare', 'batch', 'exec', 'dump'),
      'SQLite',
      /^a database of Cloudflare D1: pass it to sqliteStore/,
    ],
  ])('%s is right for its own store, and named for the others', (_name, client, database, message) => {
    for (const each of DATABASES) {
      const kind = wrongKind(client, each);
      if (each === database) expect(kind).toBeUndefined();
      else expect(kind).toMatch(message);
    }
  });

  test.each<[string, unknown, RegExp]>([
    ['Drizzle', drizzle({ client: CLIENTS.pool }), /^a database of Drizzle: pass its client, db\.\$client$/],
    ['Prisma', withMethods('$connect', '$queryRawUnsafe'), /^a client of Prisma: pass \{ query: /],
    [
      'Kysely',
      new Kysely({ dialect: new PostgresDialect({ pool: CLIENTS.pool }) }),
      /^a database of Kysely: pass its pool, or \{ query: /,
    ],
    ['postgres.js', postgres(), /^the sql function of postgres\.js: pass \{ query: /],
    ['a pool of mysql2', CLIENTS.mysql, /^a client of mysql2 or MariaDB, which no store here is for$/],
    [
      'a connection of MariaDB',
      withMethods('query', 'beginTransaction', 'end'),
      /^a client of mysql2 or MariaDB, which no store here is for$/,
    ],
    ['MongoDB', withMethods('db', 'startSession'), /^a client of MongoDB, which no store here is for$/],
    ['SQL Server', withMethods('request', 'batch', 'query'), /^a client of SQL Server, which no store here is for$/],
  ])('%s fits no store, and is named for each', (_name, client, message) => {
    for (const each of DATABASES) expect(wrongKind(client, each)).toMatch(message);
  });

  test.each<[string, unknown]>([
    ['a text', 'postgres://localhost'],
    ['null', null],
    ['nothing', undefined],
    ['an object with some methods of several clients', withMethods('query', 'exec', 'call', 'execute', 'db')],
    ['an object whose fields are not methods', { sendCommand: true, $client: null, $queryRawUnsafe: undefined }],
    ['an arrow function', () => undefined],
  ])('is not known for %s', (_name, client) => {
    for (const each of DATABASES) expect(wrongKind(client, each)).toBeUndefined();
  });
});
