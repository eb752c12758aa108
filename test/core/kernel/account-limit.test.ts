import { describe, expect, test } from 'vitest';
import { createSessions, memoryStore, type SessionStore } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  readonly userId: string;
}

const HOUR = 3_600_000;

/** Two deploys on one store. The second one has a shorter idle limit, and denies logins. */
function setUp(storeOf = (store: SessionStore) => store, max = 1) {
  const { now, advance } = testClock();
  const store = memoryStore({ now });
  const common = { now, ownerOf: ({ userId }: Data) => userId };
  const before = createSessions<Data>({ ...common, store });
  const after = createSessions<Data>({
    ...common,
    store: storeOf(store),
    idleTimeout: '1h',
    maxPerOwner: { max, onLimit: 'deny' },
  });
  return { store, before, after, advance };
}

describe('maxPerOwner with a limit that was made shorter', () => {
  test('does not count sessions that the new limit has ended', async () => {
    const { before, after, advance } = setUp();
    const old = await before.create({ userId: 'ann' });
    advance(2 * HOUR);
    expect((await after.fromToken(old.token)).session).toBeNull();
    const made = await after.create({ userId: 'ann' });
    expect((await after.fromToken(made.token)).session?.id).toBe(made.id);
    expect(await after.count()).toBe(1);
  });

  test('counts those that it has not ended', async () => {
    const { before, after, advance } = setUp();
    const old = await before.create({ userId: 'ann' });
    advance(HOUR - 1);
    await expect(after.create({ userId: 'ann' })).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    expect((await after.fromToken(old.token)).session?.id).toBe(old.id);
  });

  test('lets one of two parallel logins take the free place', async () => {
    const { before, after, advance } = setUp();
    await before.create({ userId: 'ann' });
    advance(2 * HOUR);
    const outcomes = await Promise.allSettled([after.create({ userId: 'ann' }), after.create({ userId: 'ann' })]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(await after.listFor('ann')).toHaveLength(1);
  });

  test('refuses no login because another one removes the same sessions', async () => {
    const { before, after, advance } = setUp((store) => store, 2);
    for (const userId of ['ann', 'ann']) await before.create({ userId });
    advance(2 * HOUR);
    await Promise.all([after.create({ userId: 'ann' }), after.create({ userId: 'ann' })]);
    expect(await after.listFor('ann')).toHaveLength(2);
  });

  test('refuses no login because another one has removed the sessions before', async () => {
    const listing = [Promise.resolve(), new Promise<void>(() => undefined)];
    const { before, after, advance } = setUp((store) => {
      const listByOwner: SessionStore['listByOwner'] = async (...args) => {
        await listing.shift();
        return (await store.listByOwner?.(...args)) ?? [];
      };
      return { ...countingStore(store), insertWithin: withinOf(store), listByOwner };
    }, 2);
    for (const userId of ['ann', 'ann']) await before.create({ userId });
    advance(2 * HOUR);
    const first = after.create({ userId: 'ann' });
    listing[1] = first.then(() => undefined);
    await Promise.all([first, after.create({ userId: 'ann' })]);
    expect(await after.listFor('ann')).toHaveLength(2);
  });

  test('keeps and counts a record that it cannot read', async () => {
    const { store, before, after, advance } = setUp();
    const { id } = await before.create({ userId: 'ann' });
    const record = await store.find(id);
    if (!record) throw new Error('the session is missing');
    await store.replace({ ...record, version: 'next', body: '{"v":2}' }, record.version, 24 * HOUR);
    advance(2 * HOUR);
    await expect(after.create({ userId: 'ann' })).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
    expect(await store.find(id)).not.toBeNull();
  });

  test('ends the subscriptions of what it removes', async () => {
    const { before, after, advance } = setUp();
    const { token } = await before.create({ userId: 'ann' });
    const { session } = await after.fromToken(token);
    const { signal } = session ?? {};
    expect(signal?.aborted).toBe(false);
    advance(2 * HOUR);
    await after.create({ userId: 'ann' });
    expect(signal?.aborted).toBe(true);
  });

  test('counts them all where the store cannot list an account', async () => {
    const { before, after, advance } = setUp((store) => ({ ...countingStore(store), insertWithin: withinOf(store) }));
    await before.create({ userId: 'ann' });
    advance(2 * HOUR);
    await expect(after.create({ userId: 'ann' })).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  });
});

function withinOf(store: SessionStore): NonNullable<SessionStore['insertWithin']> {
  return async (...args) => {
    const inserted = await store.insertWithin?.(...args);
    if (!inserted) throw new Error('the store has no insertWithin');
    return inserted;
  };
}
