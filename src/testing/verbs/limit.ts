import type { LimitedInsert, OwnerLimit, SessionRecord } from '../../core/store.js';
import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newId, newRecord, rewritten } from '../kit/records.js';

/** `insertWithin`: an insert that keeps a limit on the owner's sessions. */
export function limitTests({ test }: Kit): void {
  test('below the limit, insertWithin only inserts', async (context) => {
    const [first, second] = [
      newRecord(context.clock, { ownerId: 'ada' }),
      newRecord(context.clock, { ownerId: 'ada' }),
    ];
    for (const record of [first, second])
      ensureEqual(await within(context, record, { max: 2, onLimit: 'deny' }), INSERTED, 'insert');
    ensureRecord(await context.store.find(first.id), first, 'the record');
    ensureEqual(
      await within(context, first, { max: 2, onLimit: 'deny' }),
      INSERTED,
      'the same write again, at the limit',
    );
    ensureEqual(
      await within(context, second, { max: 2, onLimit: 'evict-oldest' }),
      INSERTED,
      'the same write again, where others could go',
    );
    ensureEqual(
      await within(context, rewritten(first), { max: 9, onLimit: 'deny' }),
      { outcome: 'exists', evicted: [] },
      'another write of its id',
    );
    ensureEqual(await aliveOf(context, [first, second]), [first.id, second.id], 'what is there');
  });

  test("'evict-oldest' ends the sessions with the earliest creation and then the lowest id, never the new one", async (context) => {
    const { store, clock } = context;
    const created = [5, 1, 3, 3, 9].map((age) =>
      newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - age * 1_000 }),
    );
    for (const record of created) await store.insert(record, HOUR);
    // Ids are generated in ascending order.
    const oldestFirst = [...created].sort((a, b) => a.createdAt - b.createdAt).map(({ id }) => id);
    // It is older than all others, but it is still the new one.
    const first = newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - 99_000 });
    const answer = await within(context, first, { max: 5, onLimit: 'evict-oldest' });
    ensureEqual(answer, { outcome: 'inserted', evicted: oldestFirst.slice(0, 1) }, 'at the limit');
    const second = newRecord(clock, { ownerId: 'ada' });
    const { outcome, evicted } = await within(context, second, { max: 3, onLimit: 'evict-oldest' });
    ensureEqual(outcome, 'inserted', 'beyond a limit that has become lower');
    ensureEqual([...evicted].sort(), [first.id, ...oldestFirst.slice(1, 3)].sort(), 'who had to go');
    ensureEqual(
      await aliveOf(context, [...created, first, second]),
      [...oldestFirst.slice(3), second.id].sort(),
      'who is left',
    );
  });

  test("invariant 2: a session that 'evict-oldest' ended stays ended", async (context) => {
    const [first, second] = [
      newRecord(context.clock, { ownerId: 'ada' }),
      newRecord(context.clock, { ownerId: 'ada' }),
    ];
    await context.store.insert(first, HOUR);
    await within(context, second, { max: 1, onLimit: 'evict-oldest' });
    ensureEqual(
      await context.other.replace(rewritten(first), first.version, HOUR),
      'gone',
      'replace of an evicted session',
    );
    ensureEqual(await context.other.delete(first.id), false, 'delete of an evicted session');
  });

  test("'deny' inserts nothing at the limit, until a session has ended", async (context) => {
    const [first, second] = [
      newRecord(context.clock, { ownerId: 'ada' }),
      newRecord(context.clock, { ownerId: 'ada' }),
    ];
    await context.store.insert(first, HOUR);
    ensureEqual(await within(context, second, DENY_SECOND), { outcome: 'limit-reached', evicted: [] }, 'at the limit');
    ensureEqual(await context.store.find(second.id), null, 'the one that was denied');
    await context.other.delete(first.id);
    ensureEqual(await within(context, second, DENY_SECOND), INSERTED, 'once there is room again');
  });

  test('the session that a login replaces neither counts nor is evicted', async (context) => {
    const { store, clock } = context;
    const [replaced, old] = [9, 5].map((age) => newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - age }));
    for (const record of [replaced, old]) if (record) await store.insert(record, HOUR);
    const replaces = present(replaced?.id, 'the replaced one');
    const [first, second] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
    ensureEqual(
      await within(context, first, { max: 2, onLimit: 'deny', replaces }),
      INSERTED,
      "'deny' with room beside it",
    );
    const denied = await within(context, second, { max: 2, onLimit: 'deny', replaces });
    ensureEqual(denied, { outcome: 'limit-reached', evicted: [] }, "'deny' without room beside it");
    const evicting = await within(context, second, { max: 2, onLimit: 'evict-oldest', replaces });
    ensureEqual(
      evicting,
      { outcome: 'inserted', evicted: [present(old?.id, 'an id')] },
      "'evict-oldest' without room beside it",
    );
    ensureEqual(
      await aliveOf(context, [present(replaced, 'a record'), first, second]),
      [replaces, first.id, second.id].sort(),
      'who is there',
    );
    const missing = await within(context, newRecord(clock, { ownerId: 'ada' }), {
      max: 3,
      onLimit: 'deny',
      replaces: newId(),
    });
    ensureEqual(missing.outcome, 'limit-reached', 'with one to replace that is not there');
  });

  test("only the owner's sessions before their deadline count", async (context) => {
    const { store, clock } = context;
    const past = newRecord(clock, { ownerId: 'ada', expiresAt: clock.now() - 1 });
    const ending = newRecord(clock, { ownerId: 'ada', expiresAt: clock.now() });
    for (const record of [past, ending, newRecord(clock, { ownerId: 'ada2' }), newRecord(clock)])
      await store.insert(record, HOUR);
    ensureEqual(
      await within(context, newRecord(clock, { ownerId: 'ada' }), DENY_SECOND),
      INSERTED,
      'beside those that do not count',
    );
    await store.replace(rewritten(ending, { expiresAt: clock.now() + HOUR }), ending.version, HOUR);
    const denied = await within(context, newRecord(clock, { ownerId: 'ada' }), { max: 2, onLimit: 'deny' });
    ensureEqual(denied.outcome, 'limit-reached', 'beside one whose deadline has moved on');
  });

  test("'evict-oldest': parallel inserts leave exactly the limit, and report each session that they ended", async (context) => {
    for (let round = 0; round < 5; round += 1) await raceInserts(context, 'evict-oldest');
  });

  test("'deny': parallel inserts fill the limit exactly", async (context) => {
    for (let round = 0; round < 5; round += 1) await raceInserts(context, 'deny');
  });
}

const INSERTED: LimitedInsert = { outcome: 'inserted', evicted: [] };
const DENY_SECOND = { max: 1, onLimit: 'deny' } as const;
const MAX = 3;

async function within(
  context: TestContext,
  record: SessionRecord,
  limit: Omit<OwnerLimit, 'now'>,
  store = context.store,
): Promise<LimitedInsert> {
  return present(await store.insertWithin?.(record, HOUR, { ...limit, now: context.clock.now() }), 'an answer');
}

async function raceInserts(context: TestContext, onLimit: OwnerLimit['onLimit']): Promise<void> {
  const ownerId = newId();
  const records = Array.from({ length: 24 }, (_, index) =>
    newRecord(context.clock, { ownerId, createdAt: context.clock.now() + (index % 5) }),
  );
  const limit = { max: MAX, onLimit };
  const answers = await Promise.all(
    records.map((record, index) => within(context, record, limit, index % 2 === 0 ? context.store : context.other)),
  );
  const inserted = records.filter((_, index) => answers[index]?.outcome === 'inserted').map(({ id }) => id);
  const evicted = answers.flatMap((each) => each.evicted);
  ensureEqual(inserted.length, onLimit === 'deny' ? MAX : records.length, 'inserts that were answered');
  ensure(new Set(evicted).size === evicted.length, 'an eviction was reported twice');
  ensureEqual(await aliveOf(context, records), inserted.filter((id) => !evicted.includes(id)).sort(), 'who is there');
  ensureEqual(inserted.length - evicted.length, MAX, 'how many are left');
}

async function aliveOf({ store }: TestContext, records: readonly SessionRecord[]): Promise<string[]> {
  const found = await Promise.all(records.map(({ id }) => store.find(id)));
  return found.flatMap((each) => (each ? [each.id] : [])).sort();
}
