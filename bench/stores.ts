import { Redis } from 'ioredis';
import Database from 'libsql';
import pg from 'pg';
import { createClient } from 'redis';
import { memoryStore, type SessionStore } from '../dist/index.js';
import { postgresStore } from '../dist/stores/postgres/index.js';
import { redisStore } from '../dist/stores/redis/index.js';
import { sqliteStore } from '../dist/stores/sqlite/index.js';
import type { Servers } from './servers/all.ts';
import { statementsOn } from './servers/postgres.ts';
import { commandsOn, total } from './servers/redis.ts';

/** A store that this process has opened. */
export interface BenchStore {
  readonly store: SessionStore;
  /**
   * The number of commands, statements or driver calls (SQLite) so far. Absent for other stores.
   */
  readonly count?: () => Promise<number>;
  close(): Promise<void>;
}

const OPEN = {
  Redis: openNodeRedis,
  'Redis, by ioredis': openIoredis,
  memory: async () => ({ store: memoryStore(), close: async () => undefined }),
  PostgreSQL: openPostgres,
  SQLite: openSqlite,
} satisfies Record<string, (servers: Servers) => Promise<BenchStore>>;

export type StoreName = keyof typeof OPEN;

/** The names of all native stores. */
export const STORES: readonly StoreName[] = ['Redis', 'Redis, by ioredis', 'memory', 'PostgreSQL', 'SQLite'];

export function openStore(name: StoreName, servers: Servers): Promise<BenchStore> {
  return OPEN[name](servers);
}

/** Opens the store for as long as `use` takes. */
export async function withStore<Result>(
  name: StoreName,
  servers: Servers,
  use: (opened: BenchStore) => Promise<Result>,
): Promise<Result> {
  const opened = await openStore(name, servers);
  try {
    return await use(opened);
  } finally {
    await opened.close();
  }
}

async function openNodeRedis({ redisUrl }: Servers): Promise<BenchStore> {
  const redis = createClient({ url: redisUrl });
  await redis.connect();
  return {
    store: redisStore(redis),
    count: async () => total(await commandsOn(redis)),
    close: async () => void (await redis.close()),
  };
}

async function openIoredis({ redisUrl }: Servers): Promise<BenchStore> {
  const client = new Redis(redisUrl);
  const counter = createClient({ url: redisUrl });
  await counter.connect();
  return {
    store: redisStore(client, { prefix: 'io:' }),
    count: async () => total(await commandsOn(counter)),
    async close() {
      await client.quit();
      await counter.close();
    },
  };
}

async function openPostgres({ postgres }: Servers): Promise<BenchStore> {
  const pool = new pg.Pool({ ...postgres, max: 10 });
  // The server may end a connection that is still closing.
  pool.on('error', () => undefined);
  const store = postgresStore(pool);
  await store.createTables();
  return { store, count: () => statementsOn(pool), close: () => pool.end() };
}

async function openSqlite({ sqliteFile }: Servers): Promise<BenchStore> {
  const database = new Database(sqliteFile);
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
  return { store: sqliteStore(counted), count: async () => calls, close: async () => void database.close() };
}
