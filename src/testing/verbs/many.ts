import { ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit } from '../kit/context.js';
import { HOUR, newId, newRecord, rewritten, together } from '../kit/records.js';
import { fill, idsOf, stillThere } from './steps.js';

/** The verbs that look at many sessions. */
export function manyTests(kit: Kit): void {
  if (kit.has('listByOwner')) listManyTest(kit);
  if (kit.has('deleteByOwner')) deleteManyTest(kit);
  if (kit.has('findMany')) findManyTests(kit);
  if (kit.has('count')) countTests(kit);
  if (kit.has('clear')) clearTests(kit);
}

// Databases that return results in pages have at most 1,000 in each.

function listManyTest({ test }: Kit): void {
  test("listByOwner returns each of an owner's many sessions", async (context) => {
    const records = await fill(context);
    const listed = present(await context.store.listByOwner?.('ada'), 'a list');
    ensureEqual(idsOf(listed), idsOf(records), 'the ids in the list');
  });
}

function deleteManyTest({ test }: Kit): void {
  test("deleteByOwner removes each of an owner's many sessions", async (context) => {
    const records = await fill(context);
    const removed = present(await context.store.deleteByOwner?.('ada'), 'an answer');
    ensureEqual(removed.toSorted(), idsOf(records), 'the ids that were removed');
    ensureEqual(await stillThere(context.other, records), [], 'what is left');
  });
}

function findManyTests({ test }: Kit): void {
  test('findMany returns records in the order of the ids, with null for missing ones', async ({
    store,
    other,
    clock,
  }) => {
    const [first, second, third] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock), newRecord(clock)];
    for (const record of [first, second, third]) await store.insert(record, HOUR);
    await store.delete(second.id);
    const ids = [third.id, newId(), first.id, second.id, third.id];
    const found = present(await other.findMany?.(ids), 'an answer');
    ensureEqual(
      found.map((each) => each?.id ?? null),
      [third.id, null, first.id, null, third.id],
      'the ids in the answer',
    );
    ensureRecord(found[2], first, 'a record with an owner');
    for (const same of [found[0], found[4]]) ensureRecord(same, third, 'a record that was asked for twice');
    ensureEqual(await store.findMany?.([]), [], 'the answer for no ids');
  });

  test('findMany accepts a thousand ids', async ({ store, clock }) => {
    const records = Array.from({ length: 10 }, () => newRecord(clock));
    for (const record of records) await store.insert(record, HOUR);
    const ids = records.flatMap(({ id }) => [id, ...Array.from({ length: 99 }, newId)]);
    const found = present(await store.findMany?.(ids), 'an answer');
    ensureEqual(
      found.map((each) => each?.id ?? null),
      ids.map((id, index) => (index % 100 === 0 ? id : null)),
      'the answer',
    );
  });
}

function countTests({ test }: Kit): void {
  test('count counts inserts and deletes, and nothing else', async ({ store, other, clock }) => {
    ensureEqual(await store.count?.(), 0, 'the count of an empty store');
    const first = newRecord(clock, { ownerId: 'ada' });
    await together(4, () => store.insert(newRecord(clock, { ownerId: 'ada' }), HOUR));
    for (const record of [first, first]) await store.insert(record, HOUR);
    await store.replace(rewritten(first), first.version, HOUR);
    await store.replace(newRecord(clock), first.version, HOUR);
    await store.find(newId());
    ensureEqual(await other.count?.(), 5, 'the count');
    await store.delete(first.id);
    await store.delete(first.id);
    ensureEqual(await store.count?.(), 4, 'the count after a delete');
  });
}

function clearTests({ test, has }: Kit): void {
  test('clear removes every record', async ({ store, clock }) => {
    const record = newRecord(clock, { ownerId: 'ada' });
    await together(20, () => store.insert(newRecord(clock, { ownerId: 'ada' }), HOUR));
    await store.insert(record, HOUR);
    await store.clear?.();
    ensureEqual(await store.find(record.id), null, 'find after clear');
    ensureEqual(await store.replace(rewritten(record), record.version, HOUR), 'gone', 'replace after clear');
    if (has('count')) ensureEqual(await store.count?.(), 0, 'the count after clear');
    if (has('listByOwner')) ensureEqual(await store.listByOwner?.('ada'), [], "the owner's sessions after clear");
    ensureEqual(await store.insert(record, HOUR), 'inserted', 'insert after clear');
  });
}
