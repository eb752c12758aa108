import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../../src/index.js';
import { stoppedClock } from '../../../src/testing/kit/clock.js';
import { checkHistories } from '../../../src/testing/library/histories.js';
import { seeded } from '../chance.js';
import { describeOnEveryStore } from '../every-store.js';
import { type OpenStore, openStore } from '../stores.js';
import { BROKEN } from './broken.js';
import { rotateTogether } from './clients.js';

/**
 * `ROTATIONS=10000 HISTORIES=2000 RACE_SEED=1 npx vitest run test/races/rotation` is the full run.
 * By default only a few run.
 */
const ROTATIONS = Number(process.env['ROTATIONS'] ?? 300);
const HISTORIES = Number(process.env['HISTORIES'] ?? 20);
const SEED = Number(process.env['RACE_SEED'] ?? Date.now() % 1_000_000);
const CLIENTS = 8;
const LONG = 1_800_000;

function provenOn(store: string, open: () => OpenStore): void {
  test('rule 21: clients that rotate together, and lose answers, are never logged out', {
    timeout: LONG,
  }, async () => {
    const findings = await rotateTogether(open().store, CLIENTS, ROTATIONS, seeded(SEED));
    console.info(`${store}, seed ${SEED}: ${JSON.stringify(findings)}`);
    expect(findings).toMatchObject({ wrong: [] });
    // Rotations that do not meet prove nothing.
    expect(findings.tokens).toBeLessThan(findings.rotations);
  });

  test('rules 21 and 22: random histories are answered as the model of tokens does', { timeout: LONG }, async () => {
    const { store: opened } = open();
    const clock = stoppedClock(Date.now());
    const capabilities = { atomic: true, expires: 'own clock' } as const;
    const context = { store: opened, other: opened, clock, capabilities, eventually: async () => true };
    await checkHistories(context, { runs: HISTORIES, seed: SEED });
  });
}

describe('rotation: memory', () => {
  provenOn('memory', () => ({ store: memoryStore({ now: () => 0 }), close: async () => undefined }));

  test.each(Object.entries(BROKEN))('finds a planted bug: %s', async (_bug, create) => {
    const { wrong } = await rotateTogether(create(), CLIENTS, 2_000, seeded(1));
    expect(wrong).not.toEqual([]);
  });
});

describeOnEveryStore('rotation', (config, store) => {
  let opened: OpenStore | undefined;
  beforeAll(async () => {
    opened = await openStore(config());
  }, 60_000);
  afterAll(() => opened?.close());

  provenOn(store, () => {
    if (opened) return opened;
    throw new Error('the store is open while the tests run');
  });
});
