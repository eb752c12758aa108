import type { OwnerTrim, SessionRecord, SessionStore } from '../../core/store.js';
import { ensure, ensureEqual, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newId, newRecord, rewritten } from '../kit/records.js';

/** `trimOwner`: ends the sessions that exceed the limit after a login. */
export function trimTests({ test }: Kit): void {
  test('trimOwner ends the sessions with the earliest creation and then the lowest id', async (context) => {
    const { store, clock } = context;
    const created = [5, 1, 3, 3, 9].map((age) =>
      newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - age * 1_000 }),
    );
    const others = [newRecord(clock, { ownerId: 'eve', createdAt: 1 }), newRecord(clock, { createdAt: 1 })];
    for (const record of [...created, ...others]) await store.insert(record, HOUR);
    const oldestFirst = created
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
    const keep = present(oldestFirst[4], 'the newest');
    ensureEqual(await trim(context, { max: 5, keep }), [], 'what a trim ends that has enough room');
    ensureEqual(await trim(context, { max: 2, keep }), oldestFirst.slice(0, 3).sort(), 'what had to go');
    ensureEqual(await trim(context, { max: 2, keep }), [], 'what a second trim ends');
    ensureEqual(
      await aliveOf(context, [...created, ...others]),
      [...oldestFirst.slice(3), ...others.map(({ id }) => id)].sort(),
      'what is left',
    );
    for (const id of oldestFirst.slice(0, 3))
      ensureEqual(await context.other.delete(id), false, 'delete of an ended session');
  });

  test('trimOwner never ends the session to keep, however old it is, but counts it', async (context) => {
    const { store, clock } = context;
    const old = newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - HOUR });
    const [second, third] = [1, 2].map((order) =>
      newRecord(clock, { ownerId: 'ada', createdAt: clock.now() + order }),
    );
    for (const record of [old, second, third]) if (record) await store.insert(record, HOUR);
    ensureEqual(await trim(context, { max: 2, keep: old.id }), [second?.id], 'what had to go');
    ensureEqual(await trim(context, { max: 1, keep: old.id }), [third?.id], 'what had to go then');
    ensureEqual(await trim(context, { max: 1, keep: old.id }), [], 'what had to go of one');
  });

  test('trimOwner does not count a session to keep that has ended', async (context) => {
    const record = newRecord(context.clock, { ownerId: 'ada' });
    await context.store.insert(record, HOUR);
    ensureEqual(await trim(context, { max: 1, keep: newId() }), [], 'what had to go');
  });

  test('trimOwner neither counts nor ends the session that the caller replaces', async (context) => {
    const { store, clock } = context;
    const [replaced, old, fresh] = [3, 2, 1].map((age) =>
      newRecord(clock, { ownerId: 'ada', createdAt: clock.now() - age }),
    );
    for (const record of [replaced, old, fresh]) if (record) await store.insert(record, HOUR);
    const keep = present(fresh?.id, 'the new one');
    const ignore = present(replaced?.id, 'the replaced one');
    ensureEqual(await trim(context, { max: 2, keep, ignore }), [], 'with room for two beside it');
    ensureEqual(await trim(context, { max: 1, keep, ignore }), [old?.id], 'with room for one beside it');
    ensureEqual(await trim(context, { max: 1, keep, ignore: newId() }), [ignore], 'with another one to replace');
  });

  test('trimOwner does not count sessions past their deadline, but counts those whose deadline has moved', async (context) => {
    const { store, clock } = context;
    const past = newRecord(clock, { ownerId: 'ada', createdAt: 1, expiresAt: clock.now() });
    const moved = newRecord(clock, { ownerId: 'ada', createdAt: 2, expiresAt: clock.now() });
    const fresh = newRecord(clock, { ownerId: 'ada' });
    for (const record of [past, moved, fresh]) await store.insert(record, HOUR);
    ensureEqual(await trim(context, { max: 1, keep: fresh.id }), [], 'beside those that do not count');
    await store.replace(rewritten(moved, { expiresAt: clock.now() + HOUR }), moved.version, HOUR);
    ensureEqual(await trim(context, { max: 1, keep: fresh.id }), [moved.id], 'beside one whose deadline has moved on');
  });

  test('parallel logins leave exactly the limit, and report each end once', async (context) => {
    for (let round = 0; round < 5; round += 1) await raceLogins(context);
  });

  test('parallel logins with a limit of one leave one session', async (context) => {
    for (let round = 0; round < 10; round += 1) await raceLogins(context, 1, 4);
  });
}

async function trim(
  { store, clock }: TestContext,
  given: Omit<OwnerTrim, 'now'>,
  via: SessionStore = store,
  ownerId = 'ada',
): Promise<string[]> {
  return present(await via.trimOwner?.(ownerId, { ...given, now: clock.now() }), 'an answer').toSorted();
}

async function raceLogins(context: TestContext, max = 3, logins = 16): Promise<void> {
  const { store, other, clock } = context;
  const ownerId = newId();
  const before = Array.from({ length: max }, (_, age) =>
    newRecord(clock, { ownerId, createdAt: clock.now() - 1 - age }),
  );
  for (const record of before) await store.insert(record, HOUR);
  // Clocks of servers differ, so the order of the times is not the order of the calls.
  const records = Array.from({ length: logins }, (_, index) =>
    newRecord(clock, { ownerId, createdAt: clock.now() + ((index * 7) % 5) }),
  );
  const ended = await Promise.all(
    records.map(async (record, index) => {
      const via = index % 2 === 0 ? store : other;
      await via.insert(record, HOUR);
      return trim(context, { max, keep: record.id }, via, ownerId);
    }),
  );
  const ids = ended.flat();
  ensure(new Set(ids).size === ids.length, 'the end of a session was answered twice');
  const left = [...before, ...records].map(({ id }) => id).filter((id) => !ids.includes(id));
  ensureEqual(await aliveOf(context, [...before, ...records]), left.sort(), 'what is there');
  ensureEqual(left.length, max, 'how many are left');
}

async function aliveOf({ store }: TestContext, records: readonly SessionRecord[]): Promise<string[]> {
  const found = await Promise.all(records.map(({ id }) => store.find(id)));
  return found.flatMap((each) => (each ? [each.id] : [])).sort();
}
