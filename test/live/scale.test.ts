import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { commandStats, describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { delaysOf, percentile, spread, table, tellings } from './support/figures.js';
import { type Live, startLive, withLive } from './support/processes.js';
import {
  type Body,
  type Endings,
  idOf,
  type LiveStore,
  type Moments,
  monotonic,
  type OpenOptions,
  type Transport,
} from './support/types.js';

/**
 * `LIVE_SUBSCRIPTIONS=10000 npx vitest run test/live/scale.test.ts` is the full run. It needs that
 * many open files (`ulimit -n`), and some more.
 */
const SUBSCRIPTIONS = Number(process.env['LIVE_SUBSCRIPTIONS'] ?? 200);
const LONG = 600_000;
/**
 * The promise is 100 ms (p99). Small runs on few cores must not fail because of a busy machine.
 */
const BOUND = Number(process.env['LIVE_BOUND'] ?? 1_000);
const HOUR = 3_600_000;

const delays: (string | number)[][] = [];
const costs: (string | number)[][] = [];
afterAll(() => {
  const spreadOf = (what: string) => [`${what}: p50`, 'p99', 'longest'];
  const head = [
    'store',
    'transport',
    'subscriptions',
    'ended',
    'the call took',
    ...spreadOf('body ended'),
    ...spreadOf('client ended'),
  ];
  console.info(table('From destroy resolving to the end of the body and of the client, in ms', head, delays));
  const costHead = [
    'store',
    'subscriptions',
    'heap each, bytes',
    'without a session',
    'RSS each',
    'store calls a recheck',
    'calls a minute',
  ];
  console.info(
    table('Cost of an open subscription, and of all while idle at a recheckInterval of 30 s', costHead, costs),
  );
});

/**
 * The memory store has one process, so the process that holds also ends, through another instance.
 */
async function withBoth(
  config: LiveStore,
  recheckInterval: number,
  run: (holder: Live, ender: Live) => Promise<void>,
  options?: OpenOptions,
): Promise<void> {
  const runWith = async ([holder, ender]: readonly Live[]) => {
    if (holder) await run(holder, ender ?? holder);
  };
  await withLive(config, config.kind === 'memory' ? 1 : 2, recheckInterval, runWith, options);
}

function note(name: string, transport: Transport, how: string, took: number, ended: Moments, endings: Endings): void {
  const sorted = delaysOf(ended, endings.closed);
  const bodies = spread(delaysOf(ended, endings.stopped));
  delays.push([name, transport, sorted.length, how, took.toFixed(0), ...bodies, ...spread(sorted)]);
  expect(endings.open, 'survivors').toEqual([]);
  expect(tellings(endings)).toEqual({ UNAUTHORIZED: ended.length });
  expect(percentile(sorted, 0.99)).toBeLessThan(BOUND);
}

async function revoke(name: string, config: LiveStore, transport: Transport): Promise<void> {
  const count = SUBSCRIPTIONS;
  await withBoth(config, HOUR, async (holder, ender) => {
    // Clients of sockets run in a separate process, because they take as much as the server does.
    const clients = transport === 'WebSocket' ? await startLive({ kind: 'memory' }, HOUR) : holder;
    const url = transport === 'WebSocket' ? await holder.serve() : undefined;
    const hold = (tokens: readonly string[], body?: Body) => clients.hold(tokens, { transport, body, url });
    const endings = async (): Promise<Endings> => {
      const told = await clients.endings(20_000);
      return clients === holder ? told : { ...told, stopped: (await holder.endings(0)).stopped };
    };
    try {
      const tokens = await ender.create(count, `one by one, ${transport}`);
      expect(await hold(tokens)).toBe(count);
      const ended = await ender.endEach(tokens.map(idOf));
      const [first, last] = [ended[0]?.[1] ?? 0, ended.at(-1)?.[1] ?? 0];
      note(name, transport, 'one by one', (last - first) / ended.length, ended, await endings());

      const owner = `all at once, ${transport}`;
      const others = await ender.create(count, owner);
      expect(await hold(others)).toBe(count);
      const all = await ender.endAll(owner);
      expect(all.count).toBe(count);
      note(name, transport, 'all at once', all.to - all.from, momentsAt(others, all.to), await endings());

      if (config.kind !== 'memory') return;
      // The cost of the transport and the client alone: the bodies of these all throw at once,
      // without the library.
      const bare = tokensOfNobody(count);
      expect(await hold(bare, 'without a session')).toBe(count);
      const released = await holder.release();
      note('none', transport, 'all at once, by hand', 0, momentsAt(bare, released), await endings());
    } finally {
      if (clients !== holder) await clients.stop();
    }
  });
}

function momentsAt(tokens: readonly string[], moment: number): Moments {
  return tokens.map((token) => [idOf(token), moment]);
}

function tokensOfNobody(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `ts_${String(index).padStart(36)}`);
}

const LIFETIME = 600_000;

/**
 * All sessions have the same deadline, and are swept from the store then. Their holders receive no
 * notification: they know the deadlines.
 */
async function expire(name: string, config: LiveStore): Promise<void> {
  const run = async (holder: Live, ender: Live) => {
    const setClocks = async (shows: number, since?: number) => {
      for (const each of new Set([holder, ender])) await each.setClock({ shows, since });
    };
    const created = Date.now();
    await setClocks(created);
    const tokens = await ender.create(SUBSCRIPTIONS, 'all that expire');
    // The clock stands just before the deadline until all are open.
    const left = 1_000 + SUBSCRIPTIONS / 2;
    await setClocks(created + LIFETIME - left);
    expect(await holder.hold(tokens)).toBe(SUBSCRIPTIONS);
    const start = monotonic();
    await setClocks(created + LIFETIME - left, start);
    const deadline = start + left;
    const sweeps = config.kind !== 'redis';
    const [swept, endings] = await Promise.all([
      sweeps ? ender.sweepAt(deadline + 2) : 0,
      holder.endings(left + 20_000),
    ]);
    if (sweeps) expect(swept).toBe(SUBSCRIPTIONS);
    for (const [, at] of endings.closed) expect(at).toBeGreaterThanOrEqual(deadline - 1);
    note(
      name,
      'iterable',
      sweeps ? 'expired at once, and swept' : 'expired at once',
      0,
      momentsAt(tokens, deadline),
      endings,
    );
  };
  await withBoth(config, HOUR, run, { lifetime: LIFETIME });
}

/** A recheck comes a little before its time: after this share of the interval, on average. */
const MEAN = 0.875;
const PER_MINUTE = 60_000 / (30_000 * MEAN);

async function weigh(name: string, config: LiveStore, commands?: () => Promise<number>): Promise<void> {
  const interval = SUBSCRIPTIONS > 1_000 ? 5_000 : 500;
  await withBoth(config, interval, async (holder, ender) => {
    // Compilation and setup at the first use do not belong to a subscription's cost.
    await holder.hold(await ender.create(100, 'warm'), { body: 'without a session' });
    await holder.hold(await ender.create(100, 'warm'));
    const tokens = await ender.create(SUBSCRIPTIONS, 'weighed');
    const empty = await holder.inspect();
    await holder.hold(tokensOfNobody(SUBSCRIPTIONS), { body: 'without a session' });
    const bare = await holder.inspect();
    expect(await holder.hold(tokens)).toBe(SUBSCRIPTIONS);
    const full = await holder.inspect();
    const each = (bytes: number) => Math.round(bytes / SUBSCRIPTIONS);
    const look = async () =>
      [performance.now(), (await holder.inspect()).calls['findMany'] ?? 0, (await commands?.()) ?? 0] as const;
    const before = await look();
    await new Promise((resolve) => setTimeout(resolve, interval * 3 * MEAN));
    const after = await look();
    const rechecks = (after[0] - before[0]) / (interval * MEAN);
    // Reading the figures is a command as well.
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
    // One round trip for many sessions, give or take a recheck at the edge of the watched time.
    expect(perRecheck).toBeLessThanOrEqual(Math.ceil((SUBSCRIPTIONS + 100) / 500) * 2 + 1);
    expect(perRecheck).toBeGreaterThan(0);
  });
}

/** The store that the tests of one suite share, once it runs. */
type Served = () => LiveStore;

function testAll(name: string, config: Served, commands?: () => Promise<number>): void {
  test('in the process itself', { timeout: LONG }, () => revoke(name, config(), 'iterable'));
  test('over SSE', { timeout: LONG }, () => revoke(name, config(), 'SSE'));
  test('over WebSockets', { timeout: LONG }, () => revoke(name, config(), 'WebSocket'));
  test('by its deadline', { timeout: LONG }, () => expire(name, config()));
  test('what each costs', { timeout: LONG }, () => weigh(name, config(), commands));
}

describe('invariant 5 at scale: memory', () => testAll('memory', () => ({ kind: 'memory' })));

describeWithRedis('invariant 5 at scale: Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const commands = async () => Object.values(await commandStats(server)).reduce((total, calls) => total + calls, 0);
  testAll('Redis', () => ({ kind: 'redis', url: server.url }), commands);
});

describe.skipIf(skipPostgres('live subscriptions at scale on PostgreSQL'))('invariant 5 at scale: PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  beforeAll(async () => {
    server = await startPostgres();
  }, LONG);
  afterAll(() => server.stop());
  testAll('PostgreSQL', () => ({ kind: 'postgres', config: server.config }));
});
