import type { LimitedInsert, OwnerLimit, SessionRecord } from '../../core/store.js';
import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Bench, Kit } from '../kit/bench.js';
import { HOUR, newId, newRecord, rewritten } from '../kit/records.js';

/** `insertWithin`: an insert that keeps a limit on the owner's sessions. */
export function limitTests({ test }: Kit): void {
  test('below the limit insertWithin is an insert', async (bench) => {
    const [first, second] = [newRecord(bench.clock, { ownerId: 'ada' }), newRecord(bench.clock, { ownerId: 'ada' })];
    for (const record of [first, second]) ensureEqual(await within(bench, record, { max: 2, onLimit: 'deny' }), INSERTED, 'insert');
    ensureRecord(await bench.store.find(first.id), first, 'the record');
    ensureEqual(await within(bench, first, { max: 2, onLimit: 'deny' }), INSERTED, 'the same write again, at the limit');
    ensureEqual(await within(bench, second, { max: 2, onLimit: 'evict-oldest' }), INSERTED, 'the same write again, where others could go');
    ensureEqual(
      await within(bench, rewritten(first), { max: 9, onLimit: 'deny' }),
      { outcome: 'exists', evicted: [] },
      'another write of its id',
    );
    ensureEqual(await aliveOf(bench, [first, second]), [first.id, second.id], 'what is there');
  });

  test("'evict-oldest' ends those that were created first, by id where they were created together, and never the new one", async (bench) => {
    const { store, clock } = bench;
    const created = [5, 1, 3, 3, 9].map((age) => newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - age * 1_000 }));
    for (const record of created) await store.insert(record, HOUR);
    // Ids are given in their order.
    const oldestFirst = [...created].sort((a, b) => a.createdAt - b.createdAt).map(({ id }) => id);
    // Older than all of them: it is the new one all the same.
    const first = newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - 99_000 });
    const answer = await within(bench, first, { max: 5, onLimit: 'evict-oldest' });
    ensureEqual(answer, { outcome: 'inserted', evicted: oldestFirst.slice(0, 1) }, 'at the limit');
    const second = newRecord(clock, { ownerId: 'ada' });
    const { outcome, evicted } = await within(bench, second, { max: 3, onLimit: 'evict-oldest' });
    ensureEqual(outcome, 'inserted', 'beyond a limit that has become lower');
    ensureEqual([...evicted].sort(), [first.id, ...oldestFirst.slice(1, 3)].sort(), 'who had to go');
    ensureEqual(await aliveOf(bench, [...created, first, second]), [...oldestFirst.slice(3), second.id].sort(), 'who is left');
  });

  test("invariant 2: what 'evict-oldest' ended stays ended", async (bench) => {
    const [first, second] = [newRecord(bench.clock, { ownerId: 'ada' }), newRecord(bench.clock, { ownerId: 'ada' })];
    await bench.store.insert(first, HOUR);
    await within(bench, second, { max: 1, onLimit: 'evict-oldest' });
    ensureEqual(await bench.other.replace(rewritten(first), first.version, HOUR), 'gone', 'replace of an evicted session');
    ensureEqual(await bench.other.delete(first.id), false, 'delete of an evicted session');
  });

  test("'deny' inserts nothing at the limit, until a session has ended", async (bench) => {
    const [first, second] = [newRecord(bench.clock, { ownerId: 'ada' }), newRecord(bench.clock, { ownerId: 'ada' })];
    await bench.store.insert(first, HOUR);
    ensureEqual(await within(bench, second, DENY_SECOND), { outcome: 'limit-reached', evicted: [] }, 'at the limit');
    ensureEqual(await bench.store.find(second.id), null, 'the one that was denied');
    await bench.other.delete(first.id);
    ensureEqual(await within(bench, second, DENY_SECOND), INSERTED, 'once there is room again');
  });

  test("only the owner's sessions count whose deadline has not come", async (bench) => {
    const { store, clock } = bench;
    const past = newRecord(clock, { ownerId: 'ada', expiresAt: clock.now() - 1 });
    const ending = newRecord(clock, { ownerId: 'ada', expiresAt: clock.now() });
    for (const record of [past, ending, newRecord(clock, { ownerId: 'ada2' }), newRecord(clock)]) await store.insert(record, HOUR);
    ensureEqual(await within(bench, newRecord(clock, { ownerId: 'ada' }), DENY_SECOND), INSERTED, 'beside those that do not count');
    await store.replace(rewritten(ending, { expiresAt: clock.now() + HOUR }), ending.version, HOUR);
    const denied = await within(bench, newRecord(clock, { ownerId: 'ada' }), { max: 2, onLimit: 'deny' });
    ensureEqual(denied.outcome, 'limit-reached', 'beside one whose deadline has moved on');
  });

  test("'evict-oldest': inserts under way together leave exactly the limit, and tell of each that they ended", async (bench) => {
    for (let round = 0; round < 5; round += 1) await raceInserts(bench, 'evict-oldest');
  });

  test("'deny': inserts under way together fill the limit exactly", async (bench) => {
    for (let round = 0; round < 5; round += 1) await raceInserts(bench, 'deny');
  });
}

const INSERTED: LimitedInsert = { outcome: 'inserted', evicted: [] };
const DENY_SECOND = { max: 1, onLimit: 'deny' } as const;
const MAX = 3;

async function within(bench: Bench, record: SessionRecord, limit: Omit<OwnerLimit, 'now'>, store = bench.store): Promise<LimitedInsert> {
  return present(await store.insertWithin?.(record, HOUR, { ...limit, now: bench.clock.now() }), 'an answer');
}

async function raceInserts(bench: Bench, onLimit: OwnerLimit['onLimit']): Promise<void> {
  const ownerId = newId();
  const records = Array.from({ length: 24 }, (_, index) => newRecord(bench.clock, { ownerId, createdAt: bench.clock.now() + (index % 5) }));
  const limit = { max: MAX, onLimit };
  const answers = await Promise.all(
    records.map((record, index) => within(bench, record, limit, index % 2 === 0 ? bench.store : bench.other)),
  );
  const inserted = records.filter((_, index) => answers[index]?.outcome === 'inserted').map(({ id }) => id);
  const evicted = answers.flatMap((each) => each.evicted);
  ensureEqual(inserted.length, onLimit === 'deny' ? MAX : records.length, 'inserts that were answered');
  ensure(new Set(evicted).size === evicted.length, 'an eviction was told twice');
  ensureEqual(await aliveOf(bench, records), inserted.filter((id) => !evicted.includes(id)).sort(), 'who is there');
  ensureEqual(inserted.length - evicted.length, MAX, 'how many are left');
}

async function aliveOf({ store }: Bench, records: readonly SessionRecord[]): Promise<string[]> {
  const found = await Promise.all(records.map(({ id }) => store.find(id)));
  return found.flatMap((each) => (each ? [each.id] : [])).sort();
}
