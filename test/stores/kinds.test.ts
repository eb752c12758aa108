import { createClient as createLibsqlClient } from '@libsql/client';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis } from 'ioredis';
import Libsql from 'libsql';
import mysql from 'mysql2';
import pg from 'pg';
import { createClient } from 'redis';
import { expect, test } from 'vitest';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
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
