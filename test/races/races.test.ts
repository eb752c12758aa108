import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithRedis, startRedis } from '../support/services/redis.js';
import { seeded } from './chance.js';
import { describeOnEveryStore } from './every-store.js';
import { type Findings, PAIRS } from './pairs.js';
import { type Racer, startRacer } from './processes.js';
import { race, tableOf, withStore } from './race.js';
import type { StoreConfig } from './types.js';

/**
 * `RACE_ROUNDS=10000 RACE_SEED=1 npx vitest run test/races` is the full run. By default only a few
 * rounds run.
 */
const ROUNDS = Number(process.env['RACE_ROUNDS'] ?? 100);
const SEED = Number(process.env['RACE_SEED'] ?? Date.now() % 1_000_000);
const LONG = 1_800_000;
const KNOWN_LOSSES = ['save / destroy', 'save / save of different fields', 'update / update of a counter'];

const racers: Racer[] = [];
beforeAll(() => void racers.push(...Array.from({ length: 4 }, startRacer)));
afterAll(() => Promise.all(racers.map((racer) => racer.stop())));

async function raceAll(title: string, config: StoreConfig): Promise<Map<string, Findings>> {
  const rows: [string, Findings][] = [];
  await withStore(racers, config, async () => {
    const random = seeded(SEED);
    for (const pair of PAIRS) rows.push([pair.name, await race(pair, racers, ROUNDS, random)]);
  });
  console.info(tableOf(`${title}: four processes, seed ${SEED}`, rows));
  return new Map(rows);
}

function expectNothingWrong(findings: Map<string, Findings>): void {
  expect([...findings].map(([name, { wrong }]) => [name, wrong])).toEqual(PAIRS.map(({ name }) => [name, 0]));
  // A race without a meeting proves nothing.
  for (const name of ['save / save of different fields', 'update / update of a counter', 'rotate / rotate']) {
    expect(findings.get(name)?.met, name).toBeGreaterThan(0);
  }
}

describeOnEveryStore('invariants 2 and 3 in races of four processes', (config, store) => {
  test('nothing is lost, revived or doubled', { timeout: LONG }, async () => {
    expectNothingWrong(await raceAll(store, config()));
  });
});

describeWithRedis('the same races, of express-session with connect-redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  test('find what it loses', { timeout: LONG }, async () => {
    const config: StoreConfig = { kind: 'express-session', url: server.url };
    const rows: [string, Findings][] = [];
    await withStore(racers, config, async () => {
      for (const pair of PAIRS) {
        // A logout is answered while another request still has the session loaded: the save of
        // that revives it.
        const order = pair.name === 'save / destroy' ? 'second' : 'together';
        if (!KNOWN_LOSSES.includes(pair.name)) continue;
        rows.push([pair.name, await race(pair, racers, Math.min(ROUNDS, 1_000), seeded(SEED), order)]);
      }
    });
    console.info(tableOf('express-session with connect-redis', rows));
    for (const [name, { wrong, rounds }] of rows) expect(wrong, name).toBeGreaterThan(rounds / 10);
  });
});
