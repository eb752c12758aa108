import { afterAll, describe, expect, test } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { describeWithRedis, startRedis } from '../support/services/redis.js';
import { delaysOf, spread, table, tellings } from './support/figures.js';
import { type Live, withLive } from './support/processes.js';
import { idOf, type LiveStore, monotonic } from './support/types.js';

/** `LIVE_ROUNDS=100000 npx vitest run test/live/races.test.ts` is the full run. */
const ROUNDS = Number(process.env['LIVE_ROUNDS'] ?? 500);
const BATCH = 250;
const LONG = 1_800_000;
/** Long enough that no recheck hides a missed end. */
const NO_RECHECK = 3_600_000;

interface Tally {
  /**
   * The number of refused subscriptions, or ended before their first value, and of opened ones.
   */
  ended: number;
  survivors: number;
  /** The number of ends reported before the destroy had resolved, and after. */
  early: number;
  readonly delays: number[];
}

const rows: (string | number)[][] = [];
afterAll(() => {
  const head = [
    'store',
    'who ends',
    'rounds',
    'survivors',
    'reported before destroy resolved',
    'p50, ms',
    'p99',
    'longest',
  ];
  console.info(table('Subscribing raced with destroy', head, rows));
});

function note(store: string, how: string, { ended, survivors, early, delays }: Tally): void {
  rows.push([store, how, ended + survivors, survivors, early, ...spread(delays.sort((a, b) => a - b))]);
  expect(survivors).toBe(0);
  expect(ended).toBe(ROUNDS);
  // If none ended before, or none after it had opened, there was no race.
  expect(early).toBeGreaterThan(0);
  expect(early).toBeLessThan(ended);
}

/** Each session is ended up to 10 ms before or after its subscription begins to open. */
async function raceProcesses(store: string, how: string, holder: Live, ender: Live): Promise<void> {
  const tally: Tally = { ended: 0, survivors: 0, early: 0, delays: [] };
  for (let left = ROUNDS; left > 0; left -= BATCH) {
    const tokens = await ender.create(Math.min(BATCH, left), 'racer');
    const start = monotonic() + 20;
    const opening = tokens.map(() => start + 150 * Math.random());
    const ending = opening.map((moment) => moment + 20 * Math.random() - 10);
    const [, ended] = await Promise.all([holder.holdAt(tokens, opening), ender.endAt(tokens.map(idOf), ending)]);
    const endings = await holder.endings(5_000);
    const resolved = new Map(ended);
    tally.ended += endings.closed.length;
    tally.survivors += endings.open.length;
    tally.early += endings.closed.filter(([id, at]) => at < (resolved.get(id) ?? 0)).length;
    tally.delays.push(...delaysOf(ended, endings.closed));
    expect(Object.keys(tellings(endings))).toEqual(['UNAUTHORIZED']);
    if (endings.open.length > 0) break;
  }
  note(store, how, tally);
}

/**
 * Another instance ends each session this many turns after its subscription began to open: all
 * interleavings of one process.
 */
async function raceTurns(store: string, live: Live): Promise<void> {
  let ended = 0;
  let survivors = 0;
  for (let left = ROUNDS; left > 0 && survivors === 0; left -= BATCH) {
    await live.raceByTurns(Math.min(BATCH, left), 80);
    const endings = await live.endings(5_000);
    ended += endings.closed.length;
    survivors += endings.open.length;
    expect(Object.keys(tellings(endings))).toEqual(['UNAUTHORIZED']);
  }
  rows.push([store, 'another instance, after some turns', ended + survivors, survivors, '', '', '', '']);
  expect({ ended, survivors }).toEqual({ ended: ROUNDS, survivors: 0 });
}

async function raceAll(store: string, config: LiveStore): Promise<void> {
  await withLive(config, 2, NO_RECHECK, async ([holder, ender]) => {
    if (!holder || !ender) return;
    await raceTurns(store, holder);
    await raceProcesses(store, 'another process', holder, ender);
  });
}

describe('invariant 5 when destroy races the opening of the subscription', () => {
  test('memory', { timeout: LONG }, () =>
    withLive({ kind: 'memory' }, 1, NO_RECHECK, async ([live]) => {
      if (live) await raceTurns('memory', live);
    }),
  );

  describeWithRedis('on a server', () => {
    test('Redis', { timeout: LONG }, async () => {
      const server = await startRedis();
      await raceAll('Redis', { kind: 'redis', url: server.url }).finally(() => server.stop());
    });
  });

  test.skipIf(skipPostgres('races of live subscriptions on PostgreSQL'))('PostgreSQL', { timeout: LONG }, async () => {
    const server = await startPostgres();
    await raceAll('PostgreSQL', { kind: 'postgres', config: server.config }).finally(() => server.stop());
  });
});
