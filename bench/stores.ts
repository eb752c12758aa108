import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import Database from 'libsql';
import pg from 'pg';
import { createClient } from 'redis';
import { memoryStore, type SessionStore } from '../dist/index.js';
import { postgresStore } from '../dist/stores/postgres/index.js';
import { redisStore } from '../dist/stores/redis/index.js';
import { sqliteStore } from '../dist/stores/sqlite/index.js';
import { prepareCounting, startCountingPostgres, statementsOn } from './servers/postgres.ts';
import { commandsOn, type NodeRedis, startRedis, total } from './servers/redis.ts';

/** A store that the bench has opened. */
export interface BenchStore {
  readonly name: string;
  readonly store: SessionStore;
  /**
   * The number of commands, statements or driver calls (SQLite) so far. Absent for other stores.
   */
  readonly count?: () => Promise<number>;
}

/** All native stores, on servers that belong to the bench. */
export interface BenchStores {
  readonly all: readonly BenchStore[];
  /** For peers that need Redis. */
  readonly redis: NodeRedis;
  readonly redisUrl: string;
  /** The versions that are measured, for the report. */
  readonly versions: readonly string[];
  close(): Promise<void>;
}

export async function openStores(): Promise<BenchStores> {
  const server = await startRedis();
  const redis = createClient({ url: server.url });
  await redis.connect();
  const ioredis = new Redis(server.url);
  const postgres = await openPostgres();
  const sqlite = await openSqlite();
  const commands = async () => total(await commandsOn(redis));
  return {
    all: [
      { name: 'Redis', store: redisStore(redis), count: commands },
      { name: 'Redis, by ioredis', store: redisStore(ioredis, { prefix: 'io:' }), count: commands },
      { name: 'memory', store: memoryStore() },
      postgres.opened,
      sqlite.opened,
    ],
    redis,
    redisUrl: server.url,
    versions: [`Redis ${server.version}`, postgres.version, sqlite.version],
    async close() {
      await redis.close();
      await ioredis.quit();
      await server.stop();
      await postgres.close();
      await sqlite.close();
    },
  };
}

interface Opened {
  readonly opened: BenchStore;
  readonly version: string;
  close(): Promise<void>;
}

async function openPostgres(): Promise<Opened> {
  const server = await startCountingPostgres();
  const pool = new pg.Pool({ ...server.config, max: 10 });
  // The server may end a connection that is still closing.
  pool.on('error', () => undefined);
  await prepareCounting(pool);
  const store = postgresStore(pool);
  await store.createTables();
  const { rows } = await pool.query<{ server_version: string }>('SHOW server_version');
  return {
    opened: { name: 'PostgreSQL', store, count: () => statementsOn(pool) },
    version: `PostgreSQL ${rows[0]?.server_version.split(' ')[0]} (pg, a pool of 10)`,
    async close() {
      await pool.end();
      await server.stop();
    },
  };
}

async function openSqlite(): Promise<Opened> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-sqlite-'));
  const database = new Database(join(dir, 'sessions.db'));
  let calls = 0;
  const counted = {
    exec(sql: string) {
      calls += 1;
      return database.exec(sql);
    },
    prepare(sql: string) {
      const statement = database.prepare(sql);
      return {
        all(...params: unknown[]) {
          calls += 1;
          return statement.all(...params);
        },
      };
    },
  };
  return {
    opened: { name: 'SQLite', store: sqliteStore(counted), count: async () => calls },
    version: `SQLite ${Object.values(database.prepare('SELECT sqlite_version()').get() ?? {})[0]} (libsql, a file, WAL)`,
    async close() {
      database.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
