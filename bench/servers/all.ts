import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';
import type { PostgresConfig } from '../../test/support/services/postgres.ts';
import { prepareCounting, startCountingPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

/** Where the servers of the bench are: what a process needs to open any of its stores. */
export interface Servers {
  readonly redisUrl: string;
  readonly postgres: PostgresConfig;
  readonly sqliteFile: string;
}

/** Servers that belong to the bench. */
export interface RunningServers extends Servers {
  /** The versions that are measured, for the report. */
  readonly versions: readonly string[];
  stop(): Promise<void>;
}

export async function startServers(): Promise<RunningServers> {
  const redis = await startRedis();
  const postgres = await startCountingPostgres();
  const dir = await mkdtemp(join(tmpdir(), 'bench-sqlite-'));
  return {
    redisUrl: redis.url,
    postgres: postgres.config,
    sqliteFile: join(dir, 'sessions.db'),
    versions: [`Redis ${redis.version}`, await preparePostgres(postgres.config), sqliteVersion()],
    async stop() {
      await redis.stop();
      await postgres.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function preparePostgres(config: PostgresConfig): Promise<string> {
  const pool = new pg.Pool({ ...config, max: 1 });
  try {
    await prepareCounting(pool);
    const { rows } = await pool.query<{ server_version: string }>('SHOW server_version');
    return `PostgreSQL ${rows[0]?.server_version.split(' ')[0]} (pg, a pool of 10)`;
  } finally {
    await pool.end();
  }
}

function sqliteVersion(): string {
  const database = new Database(':memory:');
  const [version] = Object.values(database.prepare('SELECT sqlite_version()').get() ?? {});
  database.close();
  return `SQLite ${version} (libsql, a file, WAL)`;
}
