import { readdirSync, readFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type PostgresServer, skipPostgres, startPostgres } from '../support/services/postgres.js';
import { expectNothingWrong, faultTable } from './table.js';
import { moments, type Scene, STORE_TIMEOUT } from './under-load.js';

const LONG = 90_000;

describe.skipIf(skipPostgres('faults of PostgreSQL'))(
  'invariant 6: faults of PostgreSQL while four processes work',
  () => {
    let server: PostgresServer;
    const table = faultTable('PostgreSQL, synchronous_commit on');
    const load = (name: string, fault: (scene: Scene) => Promise<void>) =>
      table.load(name, { kind: 'postgres', config: server.config }, fault);
    const query = async (...statements: string[]) => {
      const client = new pg.Client(server.config);
      await client.connect();
      for (const statement of statements) await client.query(statement);
      await client.end();
    };

    beforeEach(async () => {
      server = await startPostgres({ synchronous_commit: 'on', fsync: 'on' });
    }, LONG);
    afterEach(() => server.stop());
    afterAll(table.print);

    test('a server that is killed and started again loses no acknowledged write', { timeout: LONG }, async () => {
      const outcome = await load('SIGKILL and restart', async ({ over }) => {
        await server.restart();
        await over();
      });
      expectNothingWrong(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    });

    test('while the server is stopped for 5 s, every request ends in time, and all continues on its own', {
      timeout: LONG,
    }, async () => {
      const outcome = await load('SIGSTOP for 5 s', async ({ over }) => {
        const processes = [server.pid, ...childrenOf(server.pid)];
        for (const pid of processes) process.kill(pid, 'SIGSTOP');
        await moments(5_000);
        for (const pid of processes) process.kill(pid, 'SIGCONT');
        await over();
      });
      expectNothingWrong(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
      expect(outcome.slowestFailure).toBeLessThan(STORE_TIMEOUT + 3_000);
    });

    test('terminated backends lose no acknowledged write', { timeout: LONG }, async () => {
      const outcome = await load('backends terminated, 10 times', async ({ over }) => {
        for (let i = 0; i < 10; i += 1) {
          await query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
          );
          await moments(100);
        }
        await over();
      });
      expectNothingWrong(outcome);
    });

    test('a server that refuses writes causes outages', { timeout: LONG }, async () => {
      const outcome = await load('read-only for 1 s', async ({ over }) => {
        await query('ALTER SYSTEM SET default_transaction_read_only = on', 'SELECT pg_reload_conf()');
        await moments(1_000);
        await query(
          'SET default_transaction_read_only = off',
          'ALTER SYSTEM RESET default_transaction_read_only',
          'SELECT pg_reload_conf()',
        );
        await over();
      });
      expectNothingWrong(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    });
  },
);

/** The child processes of a process, as the system lists them. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
}

function parentOf(name: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
  } catch {
    // It has ended in the meantime.
    return undefined;
  }
}
