import pg from 'pg';
import { createSessions } from '../../dist/index.js';
import { postgresStore } from '../../dist/stores/postgres/index.js';
import { type Account, accountOf, forEachSession } from '../contestants/accounts.ts';
import type { Check, Section } from '../report/section.ts';
import { short, type Table, whole } from '../report/table.ts';
import { withGroup } from '../run/group.ts';
import { measure, serve } from '../run/measure.ts';
import { median, pairedRatio } from '../run/stats.ts';
import type { Servers } from '../servers/all.ts';

const READS = { rounds: 9, requests: 4_000, concurrency: 10 };
const LOGOUTS = { rounds: 5, requests: 3_000, concurrency: 16 };
const HOUR = 3_600_000;

/** PostgreSQL beside hand-written statements, and the cost of a touch. */
export async function postgresSection(servers: Servers): Promise<Section> {
  const [pool, plain] = [new pg.Pool({ ...servers.postgres, max: 16 }), new pg.Pool({ ...servers.postgres, max: 16 })];
  for (const each of [pool, plain]) each.on('error', () => undefined);
  try {
    const store = postgresStore(pool);
    await store.createTables();
    const parts = [await reads(servers), await logouts(pool, plain), await touches(pool)];
    return {
      title: 'PostgreSQL, beside hand-written statements',
      how: `Reads: ${READS.rounds} rounds of ${READS.requests}, CPU of their process and of the server together. Logouts: \
${LOGOUTS.rounds} rounds of ${LOGOUTS.requests}, ${LOGOUTS.concurrency} at a time, fsync on, with a listener.`,
      checks: parts.flatMap(({ checks }) => checks),
      tables: parts.map(({ table }) => table),
    };
  } finally {
    await Promise.all([pool.end(), plain.end()]);
  }
}

interface Part {
  readonly checks: readonly Check[];
  readonly table: Table;
}

/** Both over tRPC, like the other requests of the bench. */
async function reads(servers: Servers): Promise<Part> {
  const keys = ['ours beside prepared', 'prepared'];
  const timings = await withGroup(keys, servers, (contestants) => measure(contestants, READS));
  const [one = { cpu: [], wall: [] }, other = { cpu: [], wall: [] }] = timings.values();
  return {
    checks: [
      {
        what: 'PostgreSQL: a read, over a hand-rolled prepared SELECT, CPU of both sides',
        reach: 1.15,
        seen: pairedRatio(one.cpu, other.cpu),
      },
    ],
    table: {
      columns: ['tRPC request with a session', 'CPU of both sides, µs', 'requests a second'],
      rows: [...timings].map(([name, { cpu: spent, wall }]) => [
        name,
        short(median(spent)),
        whole(1_000_000 / median(wall)),
      ]),
    },
  };
}

async function logouts(pool: pg.Pool, plain: pg.Pool): Promise<Part> {
  const store = postgresStore(pool);
  const stop = await store.subscribe?.({ ended: () => undefined, gap: () => undefined });
  const perSecond = { ours: [] as number[], plain: [] as number[] };
  const text = 'DELETE FROM token_sessions WHERE id = $1';
  for (let round = 0; round < LOGOUTS.rounds; round += 1) {
    perSecond.plain.push(await endAll(store, (id) => plain.query({ name: 'end', text, values: [id] })));
    perSecond.ours.push(await endAll(store, (id) => store.delete(id)));
  }
  await stop?.();
  const ratio = pairedRatio(perSecond.plain, perSecond.ours);
  return {
    // A ratio that should be small, like the others: 1 / 0.8.
    checks: [
      { what: 'PostgreSQL: plain DELETEs a second, over logouts with notifications', reach: 1.25, seen: ratio },
    ],
    table: {
      columns: ['logouts', 'a second'],
      rows: [
        ['token-sessions, with notifications', whole(median(perSecond.ours))],
        ['a plain DELETE', whole(median(perSecond.plain))],
      ],
    },
  };
}

async function endAll(
  store: ReturnType<typeof postgresStore>,
  end: (id: string) => Promise<unknown>,
): Promise<number> {
  const sessions = createSessions<Account>({ store });
  const ids: string[] = [];
  while (ids.length < LOGOUTS.requests) {
    const created = await Promise.all(Array.from({ length: 100 }, (_, index) => sessions.create(accountOf(index))));
    ids.push(...created.map(({ id }) => id));
  }
  const before = performance.now();
  await serve(
    { name: 'end', run: async (request) => void (await end(ids[request] ?? '')) },
    LOGOUTS.requests,
    LOGOUTS.concurrency,
  );
  return (LOGOUTS.requests * 1_000) / (performance.now() - before);
}

/** Touches of many small sessions, and of a large one. */
async function touches(pool: pg.Pool): Promise<Part> {
  const store = postgresStore(pool, { subscriber: false, table: 'touched' });
  await store.createTables();
  const sessions = createSessions<Account>({ store });
  const ids = await forEachSession(async (account) => (await sessions.create(account)).id);
  const touchAll = async (round: number) => {
    const records = await store.findMany(ids);
    const next = records.flatMap((record) =>
      record ? [{ ...record, expiresAt: record.expiresAt + 600_000, version: `r${round}`.padEnd(24, '-') }] : [],
    );
    await Promise.all(next.map((record, index) => store.touch(record, records[index]?.version ?? '', HOUR)));
  };
  for (let round = 0; round < 20; round += 1) await touchAll(round);
  const { rows } = await pool.query<{ bytes: string }>('SELECT pg_current_wal_insert_lsn()::text AS bytes');
  const bytes = await bytesOfTouch(store, pool);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const sql =
    "SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot FROM pg_stat_user_tables WHERE relname = 'touched'";
  const [stats] = (await pool.query<{ updates: number; hot: number }>(sql)).rows;
  const hot = stats ? (100 * stats.hot) / stats.updates : Number.NaN;
  return {
    checks: [
      { what: 'PostgreSQL: touches that are not HOT, in percent', reach: 5, seen: 100 - hot },
      {
        what: 'PostgreSQL: bytes written for a touch of 60 kB',
        reach: 1_024,
        seen: rows.length > 0 ? bytes : Number.NaN,
      },
    ],
    table: {
      columns: ['touch', 'seen'],
      rows: [
        ['HOT, percent', short(hot)],
        ['bytes of log, 60 kB of data', whole(bytes)],
      ],
    },
  };
}

async function bytesOfTouch(store: ReturnType<typeof postgresStore>, pool: pg.Pool): Promise<number> {
  const sessions = createSessions<{ text: string }>({ store });
  const text = Array.from({ length: 6_500 }, (_, index) => (index * 2_654_435_761).toString(36)).join('');
  const { id } = await sessions.create({ text: text.slice(0, 60_000) });
  const position = async () =>
    Number((await pool.query("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text AS at")).rows[0].at);
  const touch = async (index: number) => {
    const record = await store.find(id);
    if (!record) throw new Error('the session is missing');
    const { body: _, ...touched } = record;
    await store.touch(
      { ...touched, version: `v${index}`.padEnd(24, '-'), expiresAt: record.expiresAt + 1 },
      record.version,
      HOUR,
    );
  };
  for (let index = 0; index < 5; index += 1) await touch(index);
  const before = await position();
  for (let index = 10; index < 110; index += 1) await touch(index);
  return ((await position()) - before) / 100;
}
