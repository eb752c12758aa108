import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'libsql';
import pg from 'pg';
import { createClient } from 'redis';
import type { SessionStore } from 'token-sessions';
import { postgresStore } from 'token-sessions/postgres';
import { redisStore } from 'token-sessions/redis';
import { sqliteStore } from 'token-sessions/sqlite';

export interface DemoStore {
  /** Where the sessions are, in words. */
  readonly name: string;
  readonly store: SessionStore;
  /** Closes the connection, which the application owns. */
  close(): Promise<void>;
}

/**
 * A file beside the demo's code, unless `REDIS_URL` or `DATABASE_URL` is set. No other part of the
 * demo depends on the store.
 */
export function openStore(file: string): Promise<DemoStore> {
  const { REDIS_URL, DATABASE_URL } = process.env;
  if (REDIS_URL) return openRedis(REDIS_URL);
  if (DATABASE_URL) return openPostgres(DATABASE_URL);
  return openFile(file);
}

async function openFile(file: string): Promise<DemoStore> {
  mkdirSync(dirname(file), { recursive: true });
  const database = new Database(file);
  return { name: `the SQLite file ${file}`, store: sqliteStore(database), close: async () => void database.close() };
}

async function openRedis(url: string): Promise<DemoStore> {
  // While the server is away, requests fail immediately instead of waiting for it.
  const client = await createClient({ url, disableOfflineQueue: true }).on('error', console.error).connect();
  return { name: 'Redis', store: redisStore(client, { prefix: 'token-sessions-demo:' }), close: () => client.close() };
}

async function openPostgres(connectionString: string): Promise<DemoStore> {
  const pool = new pg.Pool({ connectionString });
  const store = postgresStore(pool, { table: 'token_sessions_demo' });
  await store.createTables();
  return { name: 'PostgreSQL', store, close: () => pool.end() };
}
