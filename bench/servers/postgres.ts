import type pg from 'pg';
import { type PostgresConfig, startPostgres } from '../../test/support/services/postgres.ts';

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
