import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SessionRecord, SessionStore } from '../../../src/index.js';
import { HOUR, NOW, record, rewritten, STRANGE_OWNERS } from './records.js';

/** The methods that these tests use besides the required verbs. */
export type SqlStore = Required<
  Omit<SessionStore, 'atomic' | 'subscribe' | 'touch' | 'trimOwner' | 'steps' | 'onWarning'>
>;

export interface OpenedSqlStore {
  readonly store: SqlStore;
  /** Runs SQL on the database directly, without the store. */
  execute(sql: string): Promise<unknown>;
  close(): Promise<void>;
}

/**
 * Tests that the SQL stores share: their rows hold exactly the values of records, whatever the
 * driver does.
 */
export function describeSqlVerbs(open: () => Promise<OpenedSqlStore>): void {
  let opened: OpenedSqlStore;
  let store: SqlStore;

  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  }, 60_000);
  beforeEach(() => store.clear());
  afterAll(() => opened?.close());

  test('a record comes back exactly, through find, findMany and listByOwner', async () => {
    const body = `{"text":"é😀 \\u0000 \\ud800 '\\" \\\\ \r\n ${'\ufeff'}${'x'.repeat(70_000)}"}`;
    const given = record({ ownerId: 'ada', body, expiresAt: 8.64e15, createdAt: 0 });
    expect(await store.insert(given, 1000)).toBe('inserted');
    expect(await store.find(given.id)).toStrictEqual(given);
    expect(await store.findMany([given.id])).toStrictEqual([given]);
    expect(await store.listByOwner('ada')).toStrictEqual([given]);
  });

  test('a record without an owner has no ownerId, and belongs to no owner', async () => {
    const given = record();
    await store.insert(given, 1000);
    expect(await store.find(given.id)).toStrictEqual(given);
    expect(await store.deleteByOwner('')).toEqual([]);
  });

  test('insert refuses an existing id, unless it is the same write again', async () => {
    const given = record();
    expect([await store.insert(given, 1000), await store.insert(given, 1000)]).toEqual(['inserted', 'inserted']);
    expect(await store.insert(rewritten(given, { body: '{"v":2}' }), 1000)).toBe('exists');
    expect(await store.find(given.id)).toStrictEqual(given);
  });

  test('invariant 2: replace distinguishes a gone session from a changed one, and never inserts', async () => {
    const given = record();
    const next = rewritten(given, { body: '{"v":2}', expiresAt: NOW + 2 * HOUR });
    expect(await store.replace(next, given.version, 1000)).toBe('gone');
    expect(await store.count()).toBe(0);
    await store.insert(given, 1000);
    expect(await store.replace(next, given.version, 1000)).toBe('replaced');
    expect(await store.replace(next, given.version, 1000)).toBe('conflict');
    expect(await store.find(given.id)).toStrictEqual(next);
  });

  test('of two calls with the same version, one is replaced', async () => {
    const given = record();
    await store.insert(given, 1000);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => store.replace(rewritten(given), given.version, 1000)),
    );
    expect(outcomes.filter((outcome) => outcome === 'replaced')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'conflict')).toHaveLength(7);
  });

  test('a deleted session is gone for every verb', async () => {
    const given = record({ ownerId: 'ada' });
    await store.insert(given, 1000);
    expect([await store.delete(given.id), await store.delete(given.id)]).toEqual([true, false]);
    expect(await store.find(given.id)).toBeNull();
    expect(await store.replace(rewritten(given), given.version, 1000)).toBe('gone');
    expect(await store.listByOwner('ada')).toEqual([]);
  });

  test('owners are any text, and stay distinct', async () => {
    const records = STRANGE_OWNERS.map((ownerId) => record({ ownerId }));
    for (const each of records) expect(await store.insert(each, 1000)).toBe('inserted');
    for (const each of records) expect(await store.listByOwner(each.ownerId ?? '')).toStrictEqual([each]);
    for (const { id, ownerId = '' } of records) expect(await store.deleteByOwner(ownerId)).toEqual([id]);
    expect(await store.count()).toBe(0);
  });

  test('deleteByOwner spares one session, whatever text names it', async () => {
    const mine = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
    const other = record({ ownerId: 'bob' });
    for (const each of [...mine, other]) await store.insert(each, 1000);
    const [spared, ...ended] = mine.map((each) => each.id);
    expect((await store.deleteByOwner('ada', spared)).sort()).toEqual(ended.sort());
    expect(await store.deleteByOwner('ada', 'no id')).toEqual([spared]);
    expect(await store.find(other.id)).toStrictEqual(other);
  });

  test('findMany keeps the order of the ids, with null for missing ones', async () => {
    const [first, second] = [record(), record()];
    await store.insert(first, 1000);
    await store.insert(second, 1000);
    expect(await store.findMany([second.id, record().id, first.id, second.id])).toStrictEqual([
      second,
      null,
      first,
      second,
    ]);
    expect(await store.findMany([])).toEqual([]);
  });

  test('insertWithin evicts the oldest, and of the same age the lower id', async () => {
    const limit = { max: 3, onLimit: 'evict-oldest', now: NOW } as const;
    const [newer, low, high, oldest] = [NOW + 5, NOW + 1, NOW + 1, NOW].map((createdAt) =>
      record({ ownerId: "o'\\", createdAt }),
    );
    const outsiders = [record({ ownerId: 'other' }), record({ ownerId: "o'\\", expiresAt: NOW })];
    for (const each of [newer, low, high, ...outsiders] as SessionRecord[]) await store.insert(each, 1000);
    expect(await store.insertWithin(oldest as SessionRecord, 1000, limit)).toEqual({
      outcome: 'inserted',
      evicted: [low?.id],
    });
    const last = record({ ownerId: "o'\\", createdAt: NOW + 9 });
    const result = await store.insertWithin(last, 1000, { ...limit, max: 1 });
    expect(result.outcome).toBe('inserted');
    expect([...result.evicted].sort()).toEqual([newer?.id, high?.id, oldest?.id].sort());
    expect((await store.findMany([last, ...outsiders].map((each) => each.id))).every((each) => each !== null)).toBe(
      true,
    );
  });

  test('insertWithin denies if the owner has the maximum of live sessions', async () => {
    const limit = { max: 2, onLimit: 'deny', now: NOW } as const;
    await store.insert(record({ ownerId: 'ada', expiresAt: NOW }), 1000);
    const kept = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
    for (const each of kept)
      expect(await store.insertWithin(each, 1000, limit)).toEqual({ outcome: 'inserted', evicted: [] });
    expect(await store.insertWithin(record({ ownerId: 'ada' }), 1000, limit)).toEqual({
      outcome: 'limit-reached',
      evicted: [],
    });
    expect(await store.count()).toBe(3);
  });

  test('insertWithin recognises an existing id: the same write again, or another', async () => {
    const limit = { max: 1, onLimit: 'evict-oldest', now: NOW } as const;
    const given = record({ ownerId: 'ada' });
    await store.insertWithin(given, 1000, limit);
    expect(await store.insertWithin(given, 1000, limit)).toEqual({ outcome: 'inserted', evicted: [] });
    expect(await store.insertWithin(rewritten(given), 1000, limit)).toEqual({ outcome: 'exists', evicted: [] });
    expect(await store.insertWithin(given, 1000, { ...limit, onLimit: 'deny' })).toEqual({
      outcome: 'inserted',
      evicted: [],
    });
    expect(await store.find(given.id)).toStrictEqual(given);
  });

  test('64 concurrent insertions within a limit of 3 leave 3, with either policy', async () => {
    for (const onLimit of ['evict-oldest', 'deny'] as const) {
      const calls = Array.from({ length: 64 }, () => record({ ownerId: onLimit }));
      const answers = await Promise.all(
        calls.map((each) => store.insertWithin(each, 1000, { max: 3, onLimit, now: NOW })),
      );
      const evicted = answers.flatMap((answer) => answer.evicted);
      const inserted = calls.filter((_, index) => answers[index]?.outcome === 'inserted').map((each) => each.id);
      const left = (await store.listByOwner(onLimit)).map((each) => each.id);
      expect(left).toHaveLength(3);
      expect(new Set(evicted).size).toBe(evicted.length);
      expect([...left, ...evicted].sort()).toEqual(inserted.sort());
    }
  });

  test('sweep removes and counts due sessions, in several batches', async () => {
    const due = Array.from({ length: 2100 }, () => record({ expiresAt: NOW }));
    const kept = record({ expiresAt: NOW + 1 });
    await Promise.all([...due, kept].map((each) => store.insert(each, 1)));
    expect(await store.sweep(NOW - 0.5)).toBe(0);
    expect(await store.sweep(NOW + 0.5)).toBe(2100);
    expect([await store.count(), await store.sweep(NOW)]).toEqual([1, 0]);
    expect(await store.find(kept.id)).toStrictEqual(kept);
  });

  test('invariant 6: a damaged row is INVALID_DATA for find, and does not hide its neighbours', async () => {
    const [damaged, sound] = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
    await store.insert(damaged, 1000);
    await store.insert(sound, 1000);
    await opened.execute(`UPDATE token_sessions SET expires_at = 9223372036854775807 WHERE id = '${damaged.id}'`);
    await expect(store.find(damaged.id)).rejects.toMatchObject({ name: 'SessionError', code: 'INVALID_DATA' });
    const [unreadable, neighbour] = await store.findMany([damaged.id, sound.id]);
    expect(neighbour).toStrictEqual(sound);
    expect(Number.isSafeInteger(unreadable?.expiresAt)).toBe(false);
    expect(await store.listByOwner('ada')).toHaveLength(2);
  });
}
