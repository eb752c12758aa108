import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { delaysOf, spread, table, tellings } from './support/figures.js';
import { type Live, startLive } from './support/processes.js';
import { idOf, type LiveStore, type Moments } from './support/types.js';

/**
 * The full run:
 * `LIVE_FAULT_SESSIONS=1000 LIVE_RECHECK=5000 npx vitest run test/live/faults.test.ts`
 */
const SESSIONS = Number(process.env['LIVE_FAULT_SESSIONS'] ?? 30);
const RECHECK = Number(process.env['LIVE_RECHECK'] ?? 600);
/** Allows for a busy machine. */
const SLACK = 2_000;
const HOLDERS = 3;
const LONG = 300_000;

const rows: (string | number)[][] = [];
afterAll(() => {
  const head = ['store', 'fault', 'subscriptions', 'p50', 'p99', 'longest', 'survivors'];
  console.info(
    table(
      `Notifications cut; ${HOLDERS} processes, recheckInterval ${RECHECK} ms; from destroy resolving to the end, in ms`,
      head,
      rows,
    ),
  );
});

function moments(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

interface Fault {
  /** Before any session is ended. */
  readonly begin?: () => Promise<unknown>;
  /** While the sessions are being ended, again and again. */
  readonly again?: () => Promise<unknown>;
  readonly heal?: () => Promise<unknown>;
}

/** One that ends sessions, and those that hold subscriptions. */
interface Processes {
  readonly ender: Live;
  readonly holders: readonly Live[];
}

async function startProcesses(config: LiveStore): Promise<Processes> {
  const start = () => startLive(config, RECHECK);
  const [ender, ...holders] = await Promise.all([start(), ...Array.from({ length: HOLDERS }, start)]);
  return { ender, holders };
}

async function stopProcesses({ ender, holders }: Processes): Promise<void> {
  await Promise.all([ender, ...holders].map((each) => each.stop()));
}

/**
 * Every session has a subscription on each of three processes, and a fourth process ends them
 * during the fault.
 */
async function endDuring(store: string, name: string, { ender, holders }: Processes, fault: Fault): Promise<void> {
  // Clean up after a test that failed.
  await Promise.all(holders.map((each) => each.leave()));
  const tokens = await ender.create(SESSIONS, 'ann');
  for (const opened of await Promise.all(holders.map((each) => each.hold(tokens)))) expect(opened).toBe(SESSIONS);
  // The first values are served while the connections for notifications are still being opened.
  for (const each of holders)
    await vi.waitFor(async () => expect((await each.inspect()).subscribed).toBe(1), { timeout: 5_000 });
  await fault.begin?.();
  const ending = { over: false };
  const pause = Math.max(1, Math.floor((2 * RECHECK) / SESSIONS));
  const ended = ender.endEach(tokens.map(idOf), pause).finally(() => {
    ending.over = true;
  });
  while (fault.again && !ending.over) {
    await fault.again();
    await moments(20);
  }
  const all: Moments = await ended;
  const each = await Promise.all(holders.map((holder) => holder.endings(RECHECK + 5_000)));
  await fault.heal?.();
  const sorted = each.flatMap((endings) => delaysOf(all, endings.closed)).sort((a, b) => a - b);
  const survivors = each.flatMap(({ open }) => open).length;
  rows.push([store, name, SESSIONS * HOLDERS, ...spread(sorted), survivors]);
  expect(survivors).toBe(0);
  for (const endings of each) expect(tellings(endings)).toEqual({ UNAUTHORIZED: SESSIONS });
  expect(sorted.at(-1)).toBeLessThan(RECHECK + SLACK);
}

describeWithRedis('invariant 5 while notifications are cut: Redis', () => {
  let server: RedisServer;
  let processes: Processes;
  beforeAll(async () => {
    server = await startRedis();
    processes = await startProcesses({ kind: 'redis', url: server.url, mutable: true });
  }, LONG);
  afterAll(async () => {
    await stopProcesses(processes);
    await server.stop();
  }, LONG);

  test('no fault, to compare', { timeout: LONG }, () => endDuring('Redis', 'none', processes, {}));

  test('their connections are killed again and again', { timeout: LONG }, () =>
    endDuring('Redis', 'CLIENT KILL TYPE pubsub, every 20 ms', processes, {
      again: () => command(server, ['CLIENT', 'KILL', 'TYPE', 'pubsub']),
    }),
  );

  test('all connections are killed once', { timeout: LONG }, () =>
    endDuring('Redis', 'CLIENT KILL of all, once', processes, {
      begin: async () => {
        await command(server, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
        await command(server, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
      },
    }),
  );

  test('the server stands still in between', { timeout: LONG }, () =>
    endDuring('Redis', 'SIGSTOP of the server for 500 ms, again and again', processes, {
      again: async () => {
        server.signal('SIGSTOP');
        await moments(500);
        server.signal('SIGCONT');
        await moments(200);
      },
    }),
  );

  test('they arrive nowhere, and the connection does not break', { timeout: LONG }, () =>
    endDuring('Redis', 'notifications swallowed, connection open', processes, {
      begin: () => Promise.all(processes.holders.map((each) => each.mute(true))),
    }),
  );
});

describe.skipIf(skipPostgres('live subscriptions under faults on PostgreSQL'))(
  'invariant 5 while notifications are cut: PostgreSQL',
  () => {
    let server: Awaited<ReturnType<typeof startPostgres>>;
    let processes: Processes;
    let client: pg.Client;
    beforeAll(async () => {
      server = await startPostgres();
      client = new pg.Client(server.config);
      await client.connect();
      processes = await startProcesses({ kind: 'postgres', config: server.config, mutable: true });
    }, LONG);
    afterAll(async () => {
      await stopProcesses(processes);
      await client.end();
      await server.stop();
    }, LONG);
    const LISTENING = "FROM pg_stat_activity WHERE query LIKE 'LISTEN%'";
    const ALL = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";

    test('no fault, to compare', { timeout: LONG }, () => endDuring('PostgreSQL', 'none', processes, {}));

    test('the backends that listen are terminated again and again', { timeout: LONG }, () =>
      endDuring('PostgreSQL', 'listening backends terminated, every 20 ms', processes, {
        again: () => client.query(`SELECT pg_terminate_backend(pid) ${LISTENING}`),
      }),
    );

    test('all backends are terminated once', { timeout: LONG }, () =>
      endDuring('PostgreSQL', 'all backends terminated, once', processes, {
        begin: () => client.query(`SELECT pg_terminate_backend(pid) ${ALL}`),
      }),
    );

    test('the backends that listen stand still', { timeout: LONG }, async () => {
      const stopped: number[] = [];
      const goOn = async () => {
        for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT');
      };
      await endDuring('PostgreSQL', 'SIGSTOP of the listening backends', processes, {
        begin: async () => {
          const { rows: found } = await client.query<{ pid: number }>(`SELECT pid ${LISTENING}`);
          stopped.push(...found.map(({ pid }) => pid));
          for (const pid of stopped) process.kill(pid, 'SIGSTOP');
          expect(stopped).toHaveLength(HOLDERS);
        },
        heal: goOn,
      }).finally(goOn);
    });

    test('they arrive nowhere, and the connection does not break', { timeout: LONG }, () =>
      endDuring('PostgreSQL', 'notifications swallowed, connection open', processes, {
        begin: () => Promise.all(processes.holders.map((each) => each.mute(true))),
      }),
    );
  },
);
