import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { type PostgresConfig, startPostgres } from '../../test/support/services/postgres.ts';
import { ownCpu } from '../run/measure.ts';

/** The unit in which the kernel counts CPU time, in µs. */
const TICK = 10_000;

/** A separate PostgreSQL that counts statements. Commits reach the disk, as they do by default. */
export async function startCountingPostgres(): Promise<{ readonly config: PostgresConfig; stop(): Promise<void> }> {
  return startPostgres({ shared_preload_libraries: 'pg_stat_statements', fsync: 'on', shared_buffers: '128MB' });
}

/** How many statements the server has run since {@link countFromZero}, without the bench's own. */
export async function statementsOn(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ calls: number }>(
    `SELECT coalesce(sum(calls), 0)::int AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'`,
  );
  return rows[0]?.calls ?? Number.NaN;
}

export async function prepareCounting(pool: pg.Pool): Promise<void> {
  await pool.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
}

/** The CPU time of this process and of the server's side of its connections, in µs. */
export async function cpuWithBackends(pool: pg.Pool, application: string): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
    application,
  ]);
  const stats = await Promise.all(rows.map(({ pid }) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  const ticks = stats.map((stat) =>
    stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number),
  );
  return ownCpu() + ticks.flat().reduce((sum, each) => sum + (each || 0), 0) * TICK;
}
