import pg from 'pg';
import { afterAll, beforeAll, describe, type SuiteCollector } from 'vitest';
import { type PostgresServer, skipPostgres, startPostgres } from '../../../support/services/postgres.js';

/** A running server. Its connections are closed when the suite has ended. */
export interface Postgres {
  readonly server: PostgresServer;
  pool(config?: pg.PoolConfig): pg.Pool;
  client(config?: pg.ClientConfig): Promise<pg.Client>;
}

/** A suite with its own server, which is started before it and stopped after it. */
export function describePostgres(
  name: string,
  define: (postgres: Postgres) => void,
  settings?: Readonly<Record<string, string>>,
): SuiteCollector | undefined {
  if (skipPostgres(name)) return describe.skip(name);
  return describe(name, () => {
    let server: PostgresServer | undefined;
    const opened: { end(): Promise<unknown> }[] = [];
    const running = (): PostgresServer => {
      if (!server) throw new Error('the server runs while the tests do');
      return server;
    };
    beforeAll(async () => {
      server = await startPostgres(settings);
    }, 60_000);
    afterAll(async () => {
      // Stop the server first: a pool whose connection a failed test has kept would not end before
      // it.
      await server?.stop();
      await Promise.all(opened.map((each) => each.end()));
    }, 30_000);
    define({
      get server() {
        return running();
      },
      pool(config) {
        const pool = new pg.Pool({ ...running().config, ...config });
        // Idle connections fail when the server restarts, and the pool replaces them.
        pool.on('error', () => undefined);
        opened.push(pool);
        return pool;
      },
      async client(config) {
        const client = new pg.Client({ ...running().config, ...config });
        client.on('error', () => undefined);
        await client.connect();
        opened.push(client);
        return client;
      },
    });
  });
}

/** Resolves when this many statements of other connections wait for a lock. */
export async function waitingFor(count: number, observer: pg.Client | pg.Pool): Promise<void> {
  const sql = "SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  for (const giveUpAt = Date.now() + 10_000; ; ) {
    const { rows } = await observer.query<{ waiting: number }>(sql);
    if (rows[0]?.waiting === count) return;
    if (Date.now() > giveUpAt) throw new Error(`${rows[0]?.waiting} statements wait for a lock, and not ${count}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
