import { describe, expect, test } from 'vitest';
import { memoryStore, type StoreListener } from '../../src/index.js';
import type { BrokenStore } from './support/breaking.js';
import { BROKEN_CAPABILITIES } from './support/broken-capabilities.js';
import { BROKEN_CLOCKS } from './support/broken-clocks.js';
import { BROKEN_OWNERS } from './support/broken-owners.js';
import { BROKEN_RECORDS } from './support/broken-records.js';
import { BROKEN_STORES } from './support/broken-stores.js';
import { ALL_VERBS, definedTests, FOUR_VERBS, type KitRun, runKit } from './support/collecting-runner.js';
import { completeStore } from './support/complete-store.js';
import { damageableStore } from './support/damaged-store.js';
import { upsertStore } from './support/upsert-store.js';

const QUICK = { depth: 'pairs', runs: 10, seed: 1, patience: 100 } as const;

describe.concurrent('a store with a planted bug fails the tests about it', { timeout: 60_000 }, () => {
  test.each([...BROKEN_STORES, ...BROKEN_RECORDS])('$bug', async (broken) => {
    const options = {
      ...QUICK,
      capabilities: { ...FOUR_VERBS, ...broken.capabilities },
      createStore: creating(broken),
    };
    ensureFound(broken, await runKit(options, areAbout(broken)));
  });

  test.each(BROKEN_CAPABILITIES)('$bug', async (broken) => {
    const options = {
      ...QUICK,
      capabilities: { ...ALL_VERBS, ...broken.capabilities },
      createStore: creating(broken),
    };
    ensureFound(broken, await runKit(options, areAbout(broken)));
  });

  test.each(BROKEN_OWNERS)('$bug', async (broken) => {
    const options = {
      ...QUICK,
      capabilities: { ...ALL_VERBS, ...broken.capabilities },
      createStore: creating(broken),
    };
    ensureFound(broken, await runKit(options, areAbout(broken)));
  });

  test.each<[string, Parameters<typeof damageableStore>[1], string]>([
    [
      'a find that takes it for missing',
      ({ find }) => ({ find: (id) => find(id).catch(() => null) }),
      'invariant 6: find of an unreadable record fails with INVALID_DATA, and never returns null',
    ],
    [
      'a find that lets its own error through',
      (store, isDamaged) => ({ find: (id) => (isDamaged(id) ? Promise.reject(new Error('syntax')) : store.find(id)) }),
      'invariant 6: find of an unreadable record fails with INVALID_DATA, and never returns null',
    ],
    [
      'a findMany that fails as a whole',
      (store, isDamaged) => ({
        findMany: async (ids) => (ids.some(isDamaged) ? Promise.reject(new Error('syntax')) : store.findMany(ids)),
      }),
      'does not spoil findMany',
    ],
    [
      'a findMany that takes it for missing',
      (store, isDamaged) => ({
        findMany: async (ids) => (await store.findMany(ids)).map((each) => (each && isDamaged(each.id) ? null : each)),
      }),
      'does not spoil findMany',
    ],
    [
      'a list that leaves it out',
      (store, isDamaged) => ({
        listByOwner: async (ownerId) => (await store.listByOwner(ownerId)).filter(({ id }) => !isDamaged(id)),
      }),
      'does not spoil listByOwner',
    ],
    [
      'a deleteByOwner that passes it by',
      (store, isDamaged) => ({
        deleteByOwner: async (ownerId) =>
          (await store.listByOwner(ownerId)).filter(({ id }) => !isDamaged(id)).map(({ id }) => id),
      }),
      'deleteByOwner ends an unreadable session',
    ],
    [
      'a delete that cannot remove it',
      (store, isDamaged) => ({ delete: async (id) => !isDamaged(id) && store.delete(id) }),
      'can be deleted',
    ],
  ])('a record that cannot be read: %s', async (_bug, breaking, fails) => {
    const capabilities = { ...ALL_VERBS, damages: true };
    const createStore = ({ now }: { readonly now: () => number }) => damageableStore(now, breaking);
    const { failures } = await runKit({ ...QUICK, capabilities, createStore }, (title) =>
      title.includes('records that cannot be read'),
    );
    expect([...failures.keys()]).toContainEqual(expect.stringContaining(fails));
  });

  test('a record that cannot be read: nothing wrong', async () => {
    const capabilities = { ...ALL_VERBS, damages: true };
    const createStore = ({ now }: { readonly now: () => number }) => damageableStore(now);
    const run = await runKit({ ...QUICK, capabilities, createStore }, (title) =>
      title.includes('records that cannot be read'),
    );
    expect([...run.failures]).toEqual([]);
    expect(run.titles).toHaveLength(5);
  });

  // A busy machine may look too late to see that a record went early.
  test.each(BROKEN_CLOCKS)('$bug', { retry: 3 }, async (broken) => {
    const options = {
      ...QUICK,
      capabilities: { atomic: true, expires: 'own clock' } as const,
      createStore: creating(broken),
    };
    ensureFound(broken, await runKit(options, areAbout(broken)));
  });
});

function creating({ create }: BrokenStore) {
  return ({ now }: { readonly now: () => number }) => ({ store: create(now) });
}

/** Only the tests that must fail run, and the results of others do not matter. */
function areAbout({ fails }: BrokenStore): (title: string) => boolean {
  return (title) => fails.some((part) => title.includes(part));
}

function ensureFound({ fails }: BrokenStore, { failures }: KitRun): void {
  const titles = [...failures.keys()];
  for (const part of fails) expect(titles, part).toContainEqual(expect.stringContaining(part));
}

describe.concurrent('a sound store passes with the same runner', { timeout: 60_000 }, () => {
  test("with all verbs, using the kit's clock", async () => {
    const run = await runKit({
      ...QUICK,
      capabilities: ALL_VERBS,
      createStore: ({ now }) => ({ store: memoryStore({ now }) }),
    });
    expect([...run.failures]).toEqual([]);
    expect(run.titles.length).toBeGreaterThan(150);
  });

  test('using its own clock', async () => {
    const capabilities = { ...ALL_VERBS, expires: 'own clock' } as const;
    const run = await runKit({
      ...QUICK,
      patience: 5_000,
      capabilities,
      createStore: () => ({ store: memoryStore() }),
    });
    expect([...run.failures]).toEqual([]);
  });

  test('reporting a clear as a gap', async () => {
    const createStore = ({ now }: { readonly now: () => number }) => {
      const store = completeStore(now);
      const gaps = new Set<() => void>();
      return {
        store: {
          ...store,
          async clear() {
            // The clear happens one by one, so that no id is reported.
            await store.sweep(Number.POSITIVE_INFINITY);
            for (const gap of gaps) gap();
          },
          subscribe(listener: StoreListener) {
            gaps.add(() => listener.gap());
            return store.subscribe(listener);
          },
        },
      };
    };
    const run = await runKit({ ...QUICK, capabilities: ALL_VERBS, createStore }, (title) => title.includes('clear'));
    expect([...run.failures]).toEqual([]);
    expect(run.titles).toHaveLength(3);
  });

  test('with only a few verbs besides the four', async () => {
    const createStore = ({ now }: { readonly now: () => number }) => {
      const { insert, find, replace, delete: remove, sweep, clear, subscribe } = completeStore(now);
      return { store: { insert, find, replace, delete: remove, sweep, clear, subscribe } };
    };
    const capabilities = { ...FOUR_VERBS, sweep: true, clear: true, subscribe: true };
    const run = await runKit({ ...QUICK, capabilities, createStore }, (title) => !title.includes('> races '));
    expect([...run.failures]).toEqual([]);
  });

  test('that is not atomic is raced only within one process', async () => {
    const capabilities = { atomic: false, expires: 'by sweep', anyBody: false } as const;
    const run = await runKit({ ...QUICK, capabilities, createStore: () => ({ store: upsertStore() }) });
    expect([...run.failures]).toEqual([]);
    expect(run.titles.filter((each) => each.includes('races of several processes'))).toEqual([]);
    expect(run.titles.filter((each) => each.includes('races within a process')).length).toBeGreaterThan(40);
  });
});

test('the depth decides how many operations are raced', () => {
  const counts = (['pairs', 'triples', 'deep'] as const).map((depth) => {
    return definedTests({ capabilities: FOUR_VERBS, createStore: () => ({ store: memoryStore() }), depth }).length;
  });
  expect(counts).toEqual([...new Set(counts)].sort((a, b) => a - b));
});
