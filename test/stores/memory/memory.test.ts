import { describe, expect, test } from 'vitest';
import { memoryStore, type SessionRecord } from '../../../src/index.js';
import { newRecord, rewritten } from '../../../src/testing/kit/records.js';
import { testClock } from '../../support/clock.js';

const MINUTE = 60_000;
const clock = testClock();

function recordEnding(inMs: number, fields: Partial<SessionRecord> = {}): SessionRecord {
  return newRecord(clock, { expiresAt: clock.now() + inMs, ...fields });
}

function records(count: number, inMs = MINUTE): SessionRecord[] {
  return Array.from({ length: count }, () => recordEnding(inMs));
}

function storeOf(maxSessions: number) {
  const store = memoryStore({ maxSessions, now: clock.now });
  const ended: string[] = [];
  return {
    store,
    ended,
    add: async (...all: readonly SessionRecord[]) => {
      for (const record of all) expect(await store.insert(record, record.expiresAt - clock.now())).toBe('inserted');
    },
    listen: () => store.subscribe({ ended: (ids) => void ended.push(...ids), gap: () => undefined }),
    has: async (all: readonly SessionRecord[]) =>
      Promise.all(all.map(async ({ id }) => (await store.find(id)) !== null)),
  };
}

describe('options', () => {
  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
    'maxSessions of %s is refused by its name',
    (maxSessions) => {
      expect(() => memoryStore({ maxSessions })).toThrow(/^maxSessions must be/);
    },
  );

  test('an invalid clock is refused by its name', () => {
    const options = { now: Date.now };
    Reflect.set(options, 'now', 5);
    expect(() => memoryStore(options)).toThrow(/^now must be a function/);
  });

  test('undefined means the default', async () => {
    const store = memoryStore({ maxSessions: undefined, now: undefined });
    expect(await store.insert(newRecord({ now: Date.now, advance: () => undefined }), MINUTE)).toBe('inserted');
  });
});

describe('a full store', () => {
  test('ends the session with the oldest activity for a new one, and reports it', async () => {
    const { store, add, has, ended, listen } = storeOf(3);
    await listen();
    const all = records(5);
    await add(...all);
    expect(await has(all)).toEqual([false, false, true, true, true]);
    expect(ended).toEqual(all.slice(0, 2).map(({ id }) => id));
    expect(await store.count()).toBe(3);
  });

  test('counts only a write that moves the deadline as activity, not other writes or a find', async () => {
    const { store, add, has } = storeOf(3);
    const [active, written, found] = [recordEnding(MINUTE), recordEnding(MINUTE), recordEnding(MINUTE)];
    await add(active, written, found);
    await store.replace(rewritten(active, { expiresAt: active.expiresAt + 1 }), active.version, MINUTE);
    await store.replace(rewritten(written, { expiresAt: written.expiresAt }), written.version, MINUTE);
    await store.find(found.id);
    await add(recordEnding(MINUTE));
    expect(await has([active, written, found])).toEqual([true, false, true]);
    await add(recordEnding(MINUTE));
    expect(await has([active, written, found])).toEqual([true, false, false]);
  });

  test('forgets expired sessions before it ends others', async () => {
    const { add, has, ended, listen } = storeOf(3);
    await listen();
    const [first, brief, last] = [recordEnding(MINUTE), recordEnding(1_000), recordEnding(MINUTE)];
    await add(first, brief, last);
    clock.advance(5_000);
    await add(recordEnding(MINUTE));
    expect(await has([first, brief, last])).toEqual([true, false, true]);
    expect(ended).toEqual([]);
  });

  test('accepts a repeated write without ending a session', async () => {
    const { store, add, has } = storeOf(2);
    const all = records(2);
    await add(...all);
    await add(...all);
    expect(await store.insert(rewritten(recordEnding(MINUTE), { id: all[1]?.id ?? '' }), MINUTE)).toBe('exists');
    expect(await has(all)).toEqual([true, true]);
  });

  test('also removes an ended session from its owner', async () => {
    const { store, add } = storeOf(2);
    const all = [1, 2, 3].map(() => recordEnding(MINUTE, { ownerId: 'ada' }));
    await add(...all);
    expect((await store.listByOwner('ada')).map(({ id }) => id)).toEqual(all.slice(1).map(({ id }) => id));
  });

  test('with room for one session keeps the newest', async () => {
    const { add, has } = storeOf(1);
    const all = records(3);
    await add(...all);
    expect(await has(all)).toEqual([false, false, true]);
  });
});

describe('expiry', () => {
  test('writes of other sessions forget expired ones, a few at a time', async () => {
    const { store, add } = storeOf(10_000);
    await add(...records(100, 1_000));
    clock.advance(2_000);
    await add(recordEnding(MINUTE));
    expect(await store.count()).toBe(100 - 8 + 1);
    for (let writes = 0; writes < 12; writes += 1) await add(recordEnding(MINUTE));
    expect(await store.count()).toBe(13);
  });

  test('sessions in use do not make other writes slower, and stay', async () => {
    const { store, add, has } = storeOf(10_000);
    const all = records(20, 1_000);
    await add(...all);
    for (const record of all) await store.replace(rewritten(record), record.version, MINUTE);
    const brief = records(20, 1_500);
    await add(...brief);
    clock.advance(3_000);
    // Twenty sessions whose deadline has moved are checked first.
    await add(recordEnding(MINUTE), recordEnding(MINUTE));
    expect(await store.count()).toBe(42);
    await add(...records(4));
    expect(await store.count()).toBe(26);
    expect(await has(all)).toEqual(all.map(() => true));
  });

  test('a session with a shortened ttl is forgotten after the shorter one, without a read', async () => {
    const { store, add } = storeOf(10);
    const record = recordEnding(MINUTE);
    await add(record);
    await store.replace(rewritten(record), record.version, 1_000);
    clock.advance(2_024);
    await add(recordEnding(MINUTE));
    expect(await store.count()).toBe(1);
  });

  test('find, list and writes do not find expired sessions, and count follows', async () => {
    const { store, add } = storeOf(10);
    const all = [1, 2, 3].map(() => recordEnding(1_000, { ownerId: 'ada' }));
    const [found, written, deleted] = all.map(({ id }) => id);
    await add(...all);
    clock.advance(1_001);
    expect(await store.find(found ?? '')).toBe(null);
    expect(await store.replace(rewritten(recordEnding(1), { id: written ?? '' }), 'x', MINUTE)).toBe('gone');
    expect(await store.delete(deleted ?? '')).toBe(false);
    expect(await store.listByOwner('ada')).toEqual([]);
    expect(await store.deleteByOwner('ada')).toEqual([]);
    expect(await store.count()).toBe(0);
  });

  test('an expired id can be inserted again', async () => {
    const { store, add } = storeOf(10);
    const record = recordEnding(1_000, { ownerId: 'ada' });
    await add(record);
    clock.advance(1_001);
    expect(await store.insert(rewritten(record), MINUTE)).toBe('inserted');
    expect(await store.listByOwner('ada')).toHaveLength(1);
  });

  test('a sweep uses the deadline of the record, whatever the clock of the store', async () => {
    const store = memoryStore({ now: () => 0 });
    const now = Date.UTC(3000, 0, 1);
    const [past, future] = [newRecord(clock, { expiresAt: now }), newRecord(clock, { expiresAt: now + 1 })];
    for (const record of [past, future]) await store.insert(record, MINUTE);
    expect(await store.sweep(now)).toBe(1);
    expect(await store.find(future.id)).toMatchObject({ id: future.id });
    await store.insert(past, MINUTE);
    expect(await store.count()).toBe(2);
  });

  test.each([Date.UTC(2120, 0, 1), 8.6e15, 0, -1e15])(
    'a clock that starts at %s forgets in time as well',
    async (start) => {
      const odd = testClock(start);
      const store = memoryStore({ now: odd.now });
      const [brief, long, unlimited] = [newRecord(odd), newRecord(odd), newRecord(odd, { expiresAt: 8.64e15 })];
      await store.insert(brief, 1_000);
      await store.insert(long, MINUTE);
      await store.insert(unlimited, 8.64e15 - start);
      odd.advance(1_001);
      for (let writes = 0; writes < 3; writes += 1) await store.insert(newRecord(odd), MINUTE);
      const found = await store.findMany([brief.id, long.id, unlimited.id]);
      expect(found.map((each) => each?.id)).toEqual([undefined, long.id, unlimited.id]);
    },
  );
});

describe('listeners', () => {
  test('a listener that subscribes twice is called twice, and each subscription stops separately', async () => {
    const { store, add, ended, listen } = storeOf(10);
    const [stopFirst, stopSecond] = [await listen(), await listen()];
    const [first, second, third] = [recordEnding(MINUTE), recordEnding(MINUTE), recordEnding(MINUTE)];
    await add(first, second, third);
    await store.delete(first.id);
    await stopFirst();
    await store.delete(second.id);
    await stopSecond();
    await store.delete(third.id);
    expect(ended).toEqual([first.id, first.id, second.id]);
  });

  test('listeners are not called for expired sessions', async () => {
    const { store, add, ended, listen } = storeOf(10);
    await listen();
    await add(...records(3, 1_000));
    clock.advance(1_000);
    await store.sweep(clock.now());
    await store.clear();
    expect(ended).toEqual([]);
  });
});

test('insertWithin for a session without an owner is a plain insert', async () => {
  const { store } = storeOf(10);
  const limit = { max: 1, onLimit: 'deny', now: clock.now() } as const;
  for (const record of records(3))
    expect(await store.insertWithin(record, MINUTE, limit)).toEqual({ outcome: 'inserted', evicted: [] });
});

test('of sessions that were created at the same time, the lower ids are evicted first', async () => {
  const { store } = storeOf(20);
  const all = Array.from({ length: 9 }, () => recordEnding(MINUTE, { ownerId: 'ada' }));
  for (const index of [4, 0, 8, 2, 6, 1, 7, 3, 5]) await store.insert(all[index] ?? recordEnding(MINUTE), MINUTE);
  const { evicted } = await store.insertWithin(recordEnding(MINUTE, { ownerId: 'ada' }), MINUTE, {
    max: 5,
    onLimit: 'evict-oldest',
    now: clock.now(),
  });
  expect(evicted).toEqual(all.slice(0, 5).map(({ id }) => id));
});

test('a record of sliced or concatenated texts comes back unchanged', async () => {
  const { store } = storeOf(10);
  const long = 'x'.repeat(1_000);
  for (const ownerId of [`${long}${long}`, long.slice(1, 500), 'o', 'ö']) {
    const record = recordEnding(MINUTE, {
      ownerId,
      body: `${JSON.stringify(long)} `.slice(3),
      version: 'v'.repeat(64),
    });
    await store.insert(record, MINUTE);
    expect(await store.find(record.id)).toEqual(record);
    expect(await store.listByOwner(ownerId)).toEqual([record]);
  }
});
