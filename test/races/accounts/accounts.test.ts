import { afterAll, beforeAll, expect, test } from 'vitest';
import { seeded } from '../chance.js';
import { describeOnEveryStore } from '../every-store.js';
import { type LimitFindings, limitTable, raceLogins } from './limits.js';
import { type Clock, type Peer, startPeers } from './peers.js';
import { ROTATION_RACES, type RotationFindings, raceRotations, rotationTable } from './rotations.js';
import { mostTries, raceUpdates, type UpdateFindings, updateTable } from './updates.js';

/**
 * `LIMIT_ROUNDS=50 ROTATION_ROUNDS=10000 UPDATE_ROUNDS=50 RACE_SEED=1 npx vitest run
 * test/races/accounts` is the full run. By default only a few rounds run.
 */
const LIMIT_ROUNDS = Number(process.env['LIMIT_ROUNDS'] ?? 3);
const ROTATION_ROUNDS = Number(process.env['ROTATION_ROUNDS'] ?? 25);
const UPDATE_ROUNDS = Number(process.env['UPDATE_ROUNDS'] ?? 2);
const SEED = Number(process.env['RACE_SEED'] ?? Date.now() % 1_000_000);
const LONG = 1_800_000;

const peers: Peer[] = [];
beforeAll(() => void peers.push(...startPeers()));
afterAll(() => Promise.all(peers.map((peer) => peer.stop())));

describeOnEveryStore('the sessions of an account over four processes', (config, store) => {
  const clock: Clock = { ahead: 0 };
  beforeAll(async () => {
    await Promise.all(peers.map((peer) => peer.ask({ do: 'open', config: config() })));
  }, 60_000);
  afterAll(() => Promise.all(peers.map((peer) => peer.ask({ do: 'close' }))));

  test('a limit is kept exactly, by either rule', { timeout: LONG }, async () => {
    const rows: [string, LimitFindings][] = [];
    for (const rule of ['evict-oldest', 'deny'] as const)
      rows.push([rule, await raceLogins(peers, rule, LIMIT_ROUNDS, clock)]);
    console.info(limitTable(store, rows));
    expect(rows.flatMap(([rule, { wrong }]) => wrong.map((problem) => `${rule}, ${problem}`))).toEqual([]);
    // Logins that do not meet prove nothing.
    for (const [rule, { met }] of rows) expect(met, rule).toBeGreaterThan(0);
  });

  test('rotations leave exactly one lineage, a reuse ends the session if it must, and a wrong secret ends nothing', {
    timeout: LONG,
  }, async () => {
    const random = seeded(SEED);
    const rows: [string, RotationFindings][] = [];
    for (const race of ROTATION_RACES)
      rows.push([race.name, await raceRotations(race, peers, ROTATION_ROUNDS, random, clock)]);
    console.info(rotationTable(`${store}, seed ${SEED}`, rows));
    for (const [name, { unexplained, notOne, wrongEnds }] of rows) {
      expect({ name, unexplained, notOne, wrongEnds }).toEqual({ name, unexplained: 0, notOne: 0, wrongEnds: 0 });
    }
    // Rotations that do not meet prove nothing.
    for (const [name, { met }] of rows) expect(met, name).toBeGreaterThan(0);
  });

  test('invariant 3: 100 updates of one session all count, and none takes more than 20 tries', {
    timeout: LONG,
  }, async () => {
    const together = await raceUpdates(peers, true, UPDATE_ROUNDS);
    const inLine = await raceUpdates(peers, false, UPDATE_ROUNDS);
    const rows: [string, UpdateFindings][] = [
      ['25 at once in each process', together],
      ['one after the other in each', inLine],
    ];
    console.info(updateTable(store, rows));
    for (const [how, { wrong, failed }] of rows) expect({ how, wrong, failed }).toEqual({ how, wrong: 0, failed: [] });
    expect(mostTries(together)).toBeLessThanOrEqual(20);
  });
});
