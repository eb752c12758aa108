import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { describeOnEveryStore } from '../races/every-store.js';
import type { OwnStore } from '../races/types.js';
import { command, commandStats } from '../support/services/redis.js';
import { type Cost, OPERATIONS, worldOn } from './support/account-operations.js';
import { type Growth, growthOf } from './support/growth.js';
import { openTapped, type TappedStore } from './support/tapped-stores.js';

/** `INDEX_CYCLES=1000000 npx vitest run test/stores/accounts.test.ts` is the full run. */
const CYCLES = Number(process.env['INDEX_CYCLES'] ?? 1_000);
const LONG = 3_600_000;
/**
 * The entries of an index that one login cleans up. The last ended sessions may leave that many.
 */
const LEFT_OVER = 16;

const columns = new Map<string, readonly string[]>();
const growths: [string, Growth][] = [];
afterAll(() => {
  if (columns.size > 0) console.info(costTable());
  if (growths.length > 0) console.info(growthTable());
});

describeOnEveryStore('what the sessions of an account cost', (config, name) => {
  let opened: TappedStore;
  beforeEach(async () => {
    opened = await openTapped(config());
  });
  afterEach(() => opened.close());

  test('invariant 8: each operation makes the documented store calls, and sends the documented commands', async () => {
    const { store, calls, sent } = opened;
    const world = worldOn(store);
    const measured: { readonly name: string; readonly calls: readonly string[]; readonly sent: readonly string[] }[] =
      [];
    // Run each once beforehand: servers learn scripts at their first use.
    for (const round of ['before', 'measured']) {
      for (const operation of OPERATIONS) {
        const run = await operation.prepare(world, `${round} ${operation.name}`);
        if (round === 'measured') await resetStats(config());
        calls.length = sent.length = 0;
        await run();
        if (round === 'before') continue;
        measured.push({ name: operation.name, calls: [...calls], sent: withoutScripts(config(), sent) });
        await expectInStats(config(), sent);
      }
    }
    columns.set(
      name,
      measured.map((each) => inShort(each.sent)),
    );
    expect(measured.map((each) => [each.name, each.calls])).toEqual(OPERATIONS.map((each) => [each.name, each.calls]));
    expect(measured.map((each) => [each.name, each.sent.length])).toEqual(
      OPERATIONS.map((each) => [each.name, sentFor(config(), each)]),
    );
  });

  test('ended sessions leave little behind', { timeout: LONG }, async () => {
    const growth = await growthOf(opened.store, config(), CYCLES);
    growths.push([name, growth]);
    expect(growth.live).toBe(3);
    const swept = opened.store.sweep ? growth.afterwards : growth.atEnd;
    expect(swept.entries).toBeLessThanOrEqual(2 * growth.live + (opened.store.sweep ? 0 : LEFT_OVER));
    expect(growth.afterwards.entries).toBe(3);
  });
});

function sentFor(
  config: OwnStore,
  { calls, redis, cluster = redis, postgres = calls.length, sqlite = calls.length }: Cost,
): number {
  if (config.kind === 'redis') return redis;
  if (config.kind === 'redis cluster') return cluster;
  return config.kind === 'sqlite' ? sqlite : postgres;
}

/**
 * Each server of a Cluster learns the scripts separately, so which script is sent whole is random.
 */
function withoutScripts(config: OwnStore, sent: readonly string[]): string[] {
  return sent.filter((name) => config.kind !== 'redis cluster' || name !== 'eval');
}

async function resetStats(config: OwnStore): Promise<void> {
  if (config.kind === 'redis') await command(config, ['CONFIG', 'RESETSTAT']);
}

/**
 * The server's statistics confirm what was sent. Scripts call only other commands, and `get` and
 * `set`.
 */
async function expectInStats(config: OwnStore, sent: readonly string[]): Promise<void> {
  if (config.kind !== 'redis') return;
  const count = (name: string) => sent.filter((each) => each === name).length;
  await expect.poll(async () => (await commandStats(config))['evalsha'] ?? 0).toBe(count('evalsha'));
  const stats = await commandStats(config);
  expect([stats['mget'] ?? 0, stats['exists'] ?? 0]).toEqual([count('mget'), count('exists')]);
  expect(stats['get'] ?? 0).toBeGreaterThanOrEqual(count('get'));
  expect(stats['set'] ?? 0).toBeGreaterThanOrEqual(count('set'));
}

/** Names, with their counts. */
function inShort(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const each of names) counts.set(each, (counts.get(each) ?? 0) + 1);
  return names.length === 0
    ? '0'
    : `${names.length}: ${[...counts].map(([each, count]) => (count > 1 ? `${count} ${each}` : each)).join(', ')}`;
}

function costTable(): string {
  const head = ['operation', 'store calls', ...columns.keys()];
  const lines = OPERATIONS.map(({ name, calls }, index) => [
    name,
    inShort(calls),
    ...[...columns.values()].map((cells) => cells[index] ?? ''),
  ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function growthTable(): string {
  const head =
    '| store | cycles | live | most entries seen | entries at the end | after a list and a sweep | bytes |\n| --- | --- | --- | --- | --- | --- | --- |';
  const lines = growths.map(([name, { cycles, live, most, atEnd, afterwards }]) => {
    return `| ${[name, cycles, live, most, atEnd.entries, afterwards.entries, afterwards.bytes].join(' | ')} |`;
  });
  return [head, ...lines].join('\n');
}
