import { Redis } from 'ioredis';
import Database from 'libsql';
import pg from 'pg';
import { createClient, createCluster } from 'redis';
import { createSessions, type SessionStore } from 'token-sessions';
import { createTablesSql, postgresStore } from 'token-sessions/postgres';
import { redisStore } from 'token-sessions/redis';
import { sqliteStore } from 'token-sessions/sqlite';
import type { Data } from './core.js';

/**
 * Not connected: the compiler checks that their clients are accepted, and that they are stores.
 */
const pool = new pg.Pool();
const ioredis = new Redis({ lazyConnect: true });
export const stores: readonly SessionStore[] = [
  postgresStore(pool),
  redisStore(createClient()),
  redisStore(createCluster({ rootNodes: [] })),
  redisStore(ioredis),
];
if (!createTablesSql().includes('CREATE TABLE')) throw new Error('no SQL for migrations');
await pool.end();
ioredis.disconnect();

const sessions = createSessions<Data>({ store: sqliteStore(new Database(':memory:')) });
const { token } = await sessions.create({ userId: 'ada', views: 0 });
const { session } = await sessions.fromToken(token);
if (session?.data.userId !== 'ada') throw new Error('the session was not found by its token');
await sessions.close();
