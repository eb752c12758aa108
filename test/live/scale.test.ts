import { afterAll, describe, expect, test } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { commandStats, describeWithRedis, startRedis } from '../support/services/redis.js';
import { delaysOf, percentile, spread, table, tellings } from './support/figures.js';
import { type Live, withLive } from './support/processes.js';
import { type Endings, idOf, type LiveStore, type Moments, type Transport } from './support/types.js';

/** `LIVE_SUBSCRIPTIONS=10000 npx vitest run test/live/scale.test.ts` is the full run. */
const SUBSCRIPTIONS = Number(process.env['LIVE_SUBSCRIPTIONS'] ?? 300);
const SOCKETS = Math.min(SUBSCRIPTIONS, Number(process.env['LIVE_SOCKETS'] ?? 1_000));
const LONG = 600_000;
/** The promise is 100 ms (p99); where many run on few cores, what is told at small sizes must not fail for that. */
const BOUND = Number(process.env['LIVE_BOUND'] ?? 1_000);
const HOUR = 3_600_000;

const delays: (string | number)[][] = [];
const costs: (string | number)[][] = [];
afterAll(() => {
  const head = ['store', 'transport', 'subscriptions', 'ended', 'p50', 'p99', 'longest', 'the call took'];
  console.info(table('From destroy resolving to the consumer being told, in ms', head, delays));
  const costHead = [
    'store',
    'subscriptions',
    'heap each, bytes',
    'without a session',
    'RSS each',
    'store calls a recheck',
    'calls a minute',
  ];
  console.info(table('Cost of an open subscription, and of all while idle at a recheckInterval of 30 s', costHead, costs));
});

/** On the memory store, which is of one process, the one that holds ends as well: by another instance. */
async function withBoth(config: LiveStore, recheckInterval: number, run: (holder: Live, ender: Live) => Promise<void>): Promise<void> {
  await withLive(config, config.kind === 'memory' ? 1 : 2, recheckInterval, async ([holder, ender]) => {
    if (holder) await run(holder, ender ?? holder);
  });
}

function note(name: string, transport: Transport, how: string, took: number, ended: Moments, endings: Endings): void {
  const sorted = delaysOf(ended, endings);
  delays.push([name, transport, sorted.length, how, ...spread(sorted), took.toFixed(0)]);
  expect(endings.open, 'survivors').toEqual([]);
  expect(tellings(endings)).toEqual({ UNAUTHORIZED: ended.length });
  expect(percentile(sorted, 0.99)).toBeLessThan(BOUND);
}

async function revoke(name: string, config: LiveStore, transport: Transport, count: number): Promise<void> {
  await withBoth(config, HOUR, async (holder, ender) => {
    const tokens = await ender.create(count, 'one by one');
    expect(await holder.hold(tokens, { transport })).toBe(count);
    const ended = await ender.endEach(tokens.map(idOf));
    const [first, last] = [ended[0]?.[1] ?? 0, ended.at(-1)?.[1] ?? 0];
    note(name, transport, 'one by one', (last - first) / ended.length, ended, await holder.endings(10_000));

    const others = await ender.create(count, 'all');
    expect(await holder.hold(others, { transport })).toBe(count);
    const all = await ender.endAll('all');
    expect(all.count).toBe(count);
    const moments: Moments = others.map((token) => [idOf(token), all.to]);
    note(name, transport, 'all at once', all.to - all.from, moments, await holder.endings(10_000));
  });
}

/** A recheck comes a little before its time: after this share of the interval, on average. */
const MEAN = 0.875;
const PER_MINUTE = 60_000 / (30_000 * MEAN);

async function weigh(name: string, config: LiveStore, commands?: () => Promise<number>): Promise<void> {
  const interval = SUBSCRIPTIONS > 1_000 ? 5_000 : 500;
  await withBoth(config, interval, async (holder, ender) => {
    // What is compiled and set up at the first use is none of a subscription's cost.
    await holder.hold(await ender.create(100, 'warm'), { body: 'without a session' });
    await holder.hold(await ender.create(100, 'warm'));
    const tokens = await ender.create(SUBSCRIPTIONS, 'weighed');
    const empty = await holder.inspect();
    await holder.hold(
      tokens.map((_, index) => `ts_${String(index).padStart(36)}`),
      { body: 'without a session' },
    );
    const bare = await holder.inspect();
    expect(await holder.hold(tokens)).toBe(SUBSCRIPTIONS);
    const full = await holder.inspect();
    const each = (bytes: number) => Math.round(bytes / SUBSCRIPTIONS);
    const look = async () => [performance.now(), (await holder.inspect()).calls['findMany'] ?? 0, (await commands?.()) ?? 0] as const;
    const before = await look();
    await new Promise((resolve) => setTimeout(resolve, interval * 3 * MEAN));
    const after = await look();
    const rechecks = (after[0] - before[0]) / (interval * MEAN);
    // Looking at the figures is a command as well.
    const perRecheck = (commands ? after[2] - before[2] - 1 : after[1] - before[1]) / rechecks;
    costs.push([
      name,
      SUBSCRIPTIONS,
      each(full.heap - bare.heap),
      each(bare.heap - empty.heap),
      each(full.rss - bare.rss),
      perRecheck.toFixed(1),
      (perRecheck * PER_MINUTE).toFixed(0),
    ]);
    // One round trip for many sessions, give or take a recheck that fell into the time that was watched, or beside it.
    expect(perRecheck).toBeLessThanOrEqual(Math.ceil((SUBSCRIPTIONS + 100) / 500) * 2 + 1);
    expect(perRecheck).toBeGreaterThan(0);
  });
}

describe('invariant 5 at scale: memory', () => {
  test('in the process itself', { timeout: LONG }, () => revoke('memory', { kind: 'memory' }, 'iterable', SUBSCRIPTIONS));
  test('over SSE', { timeout: LONG }, () => revoke('memory', { kind: 'memory' }, 'SSE', SUBSCRIPTIONS));
  test('over WebSockets', { timeout: LONG }, () => revoke('memory', { kind: 'memory' }, 'WebSocket', SOCKETS));
  test('what each costs', { timeout: LONG }, () => weigh('memory', { kind: 'memory' }));
});

describeWithRedis('invariant 5 at scale: Redis', () => {
  const withServer = async (run: (config: LiveStore, server: Awaited<ReturnType<typeof startRedis>>) => Promise<void>) => {
    const server = await startRedis();
    await run({ kind: 'redis', url: server.url }, server).finally(() => server.stop());
  };
  test('in the process itself', { timeout: LONG }, () => withServer((config) => revoke('Redis', config, 'iterable', SUBSCRIPTIONS)));
  test('over SSE', { timeout: LONG }, () => withServer((config) => revoke('Redis', config, 'SSE', SUBSCRIPTIONS)));
  test('over WebSockets', { timeout: LONG }, () => withServer((config) => revoke('Redis', config, 'WebSocket', SOCKETS)));
  test('what each costs', { timeout: LONG }, () =>
    withServer((config, server) =>
      weigh('Redis', config, async () => Object.values(await commandStats(server)).reduce((total, calls) => total + calls, 0)),
    ),
  );
});

describe.skipIf(skipPostgres('live subscriptions at scale on PostgreSQL'))('invariant 5 at scale: PostgreSQL', () => {
  const withServer = async (run: (config: LiveStore) => Promise<void>) => {
    const server = await startPostgres();
    await run({ kind: 'postgres', config: server.config }).finally(() => server.stop());
  };
  test('in the process itself', { timeout: LONG }, () => withServer((config) => revoke('PostgreSQL', config, 'iterable', SUBSCRIPTIONS)));
  test('over SSE', { timeout: LONG }, () => withServer((config) => revoke('PostgreSQL', config, 'SSE', SUBSCRIPTIONS)));
  test('over WebSockets', { timeout: LONG }, () => withServer((config) => revoke('PostgreSQL', config, 'WebSocket', SOCKETS)));
  test('what each costs', { timeout: LONG }, () => withServer((config) => weigh('PostgreSQL', config)));
});
