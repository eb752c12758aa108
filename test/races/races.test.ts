import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { describeWithRedis, startRedis, startRedisCluster } from '../support/services/redis.js';
import { seeded } from './chance.js';
import { type Findings, PAIRS } from './pairs.js';
import { race, tableOf, withRacers } from './race.js';
import type { StoreConfig } from './types.js';

/** `RACE_ROUNDS=10000 RACE_SEED=1 npx vitest run test/races` is the full run; a few rounds show that all is in order. */
const ROUNDS = Number(process.env['RACE_ROUNDS'] ?? 100);
const SEED = Number(process.env['RACE_SEED'] ?? Date.now() % 1_000_000);
const LONG = 1_800_000;
const KNOWN_LOSSES = ['save / destroy', 'save / save of different fields', 'update / update of a counter'];

async function raceAll(title: string, config: StoreConfig): Promise<Map<string, Findings>> {
  const rows: [string, Findings][] = [];
  await withRacers(config, async (racers) => {
    const random = seeded(SEED);
    for (const pair of PAIRS) rows.push([pair.name, await race(pair, racers, ROUNDS, random)]);
  });
  console.info(tableOf(`${title}: four processes, seed ${SEED}`, rows));
  return new Map(rows);
}

function expectNothingWrong(findings: Map<string, Findings>): void {
  expect([...findings].map(([name, { wrong }]) => [name, wrong])).toEqual(PAIRS.map(({ name }) => [name, 0]));
  // A race in which nobody meets anybody proves nothing.
  for (const name of ['save / save of different fields', 'update / update of a counter', 'rotate / rotate']) {
    expect(findings.get(name)?.met, name).toBeGreaterThan(0);
  }
}

describeWithRedis('invariants 2 and 3 in races of four processes: Redis', () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  test('nothing is lost, revived or doubled', { timeout: LONG }, async () => {
    expectNothingWrong(await raceAll('Redis', { kind: 'redis', url: server.url }));
  });

  test('the same races find what express-session loses with connect-redis', { timeout: LONG }, async () => {
    const config: StoreConfig = { kind: 'express-session', url: server.url };
    const rows: [string, Findings][] = [];
    await withRacers(config, async (racers) => {
      for (const pair of PAIRS) {
        // A logout that is answered while another request still has the session loaded: what that saves revives it.
        const order = pair.name === 'save / destroy' ? 'second' : 'together';
        if (!KNOWN_LOSSES.includes(pair.name)) continue;
        rows.push([pair.name, await race(pair, racers, Math.min(ROUNDS, 1_000), seeded(SEED), order)]);
      }
    });
    console.info(tableOf('express-session with connect-redis', rows));
    for (const [name, { wrong, rounds }] of rows) expect(wrong, name).toBeGreaterThan(rounds / 10);
  });
});

describeWithRedis('invariants 2 and 3 in races of four processes: Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  }, 60_000);
  afterAll(() => cluster.stop());

  test('nothing is lost, revived or doubled', { timeout: LONG }, async () => {
    expectNothingWrong(await raceAll('Redis Cluster of three masters', { kind: 'redis cluster', rootNodes: cluster.rootNodes }));
  });
});

describe.skipIf(skipPostgres('races on PostgreSQL'))('invariants 2 and 3 in races of four processes: PostgreSQL', () => {
  let server: Awaited<ReturnType<typeof startPostgres>>;
  beforeAll(async () => {
    server = await startPostgres();
  }, 60_000);
  afterAll(() => server.stop());

  test('nothing is lost, revived or doubled', { timeout: LONG }, async () => {
    expectNothingWrong(await raceAll('PostgreSQL', { kind: 'postgres', config: server.config }));
  });
});

describe('invariants 2 and 3 in races of four processes: SQLite', () => {
  const directory = mkdtempSync(join(tmpdir(), 'races-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test('nothing is lost, revived or doubled', { timeout: LONG }, async () => {
    expectNothingWrong(await raceAll('SQLite file', { kind: 'sqlite', path: join(directory, 'sessions.db') }));
  });
});
