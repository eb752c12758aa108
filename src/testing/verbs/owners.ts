import type { SessionRecord } from '../../core/store.js';
import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { OWNERS } from '../kit/owner-names.js';
import { HOUR, newId, newRecord, rewritten, together } from '../kit/records.js';

/** The sessions of an account. */
export function ownerTests(kit: Kit): void {
  if (kit.has('listByOwner')) kit.group('listByOwner', () => listTests(kit));
  if (kit.has('deleteByOwner')) kit.group('deleteByOwner', () => deleteTests(kit));
}

function listTests({ test }: Kit): void {
  test("listByOwner returns all of an owner's records as last written, and no other's", async ({
    store,
    other,
    clock,
  }) => {
    const [first, second, third] = [
      newRecord(clock, { ownerId: 'ada' }),
      newRecord(clock, { ownerId: 'ada' }),
      newRecord(clock, { ownerId: 'ada' }),
    ];
    for (const record of [first, second, third, newRecord(clock, { ownerId: 'eve' }), newRecord(clock)])
      await store.insert(record, HOUR);
    const newer = rewritten(first);
    await other.replace(newer, first.version, HOUR);
    await store.delete(second.id);
    await ensureListed(store, 'ada', [newer, third]);
  });

  test('listByOwner of an unknown owner is empty', async ({ store, clock }) => {
    await store.insert(newRecord(clock, { ownerId: 'ada' }), HOUR);
    await ensureListed(store, 'eve', []);
  });

  test('listByOwner keeps owners of every valid form apart', async ({ store, clock }) => {
    const records = OWNERS.map((ownerId) => newRecord(clock, { ownerId }));
    for (const record of records) await store.insert(record, HOUR);
    for (const record of records) await ensureListed(store, present(record.ownerId, 'the owner'), [record]);
  });

  test('listByOwner includes each insert that was answered before, even among many parallel ones', async (context) => {
    const { store, other, clock } = context;
    await together(16, async () => {
      const record = newRecord(clock, { ownerId: 'ada' });
      await store.insert(record, HOUR);
      const listed = present(await other.listByOwner?.('ada'), 'a list');
      ensure(
        listed.some((each) => each.id === record.id),
        'a session that was inserted is not in the list',
      );
    });
    ensureEqual((await store.listByOwner?.('ada'))?.length, 16, 'the sessions of the owner');
  });
}

function deleteTests({ test }: Kit): void {
  test("invariant 5: deleteByOwner permanently removes all of an owner's records, and returns their ids", async ({
    store,
    other,
    clock,
  }) => {
    const mine = [1, 2, 3].map(() => newRecord(clock, { ownerId: 'ada' }));
    const others = [newRecord(clock, { ownerId: 'ada2' }), newRecord(clock)];
    for (const record of [...mine, ...others]) await store.insert(record, HOUR);
    ensureEqual(
      sorted(await store.deleteByOwner?.('ada')),
      sorted(mine.map(({ id }) => id)),
      'the ids that were removed',
    );
    for (const record of mine) {
      ensureEqual(await other.find(record.id), null, 'find of a removed one');
      ensureEqual(await other.replace(rewritten(record), record.version, HOUR), 'gone', 'replace of a removed one');
    }
    for (const record of others) ensureRecord(await other.find(record.id), record, "another's session");
    ensureEqual(await store.deleteByOwner?.('ada'), [], 'the ids that a second call removed');
  });

  test('deleteByOwner spares one session if it belongs to the owner', async ({ store, clock }) => {
    const [kept, ended] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
    const eves = newRecord(clock, { ownerId: 'eve' });
    for (const record of [kept, ended, eves]) await store.insert(record, HOUR);
    ensureEqual(await store.deleteByOwner?.('ada', kept.id), [ended.id], 'the ids that were removed');
    ensureRecord(await store.find(kept.id), kept, 'the one to spare');
    ensureEqual(await store.deleteByOwner?.('ada', eves.id), [kept.id], "the ids when another's is to be spared");
    ensureEqual(await store.deleteByOwner?.('ada', newId()), [], 'the ids when nothing is left');
    ensureRecord(await store.find(eves.id), eves, "another's session");
  });

  test('deleteByOwner keeps owners of every valid form apart', async ({ store, clock }) => {
    const records = OWNERS.map((ownerId) => newRecord(clock, { ownerId }));
    for (const record of records) await store.insert(record, HOUR);
    for (const { id, ownerId } of records)
      ensureEqual(await store.deleteByOwner?.(present(ownerId, 'the owner')), [id], `of ${ownerId?.slice(0, 20)}`);
  });

  test('invariant 5: deleteByOwner that races inserts and replaces removes exactly the sessions that it returns', async (context) => {
    for (let round = 0; round < 20; round += 1) await raceDeleteByOwner(context);
  });
}

async function raceDeleteByOwner({ store, other, clock }: TestContext): Promise<void> {
  const before = newRecord(clock, { ownerId: 'ada' });
  const late = [1, 2, 3].map(() => newRecord(clock, { ownerId: 'ada' }));
  await store.insert(before, HOUR);
  const writes = [
    () => other.replace(rewritten(before), before.version, HOUR),
    ...late.map((each) => () => other.insert(each, HOUR)),
  ];
  const [removed] = await Promise.all([store.deleteByOwner?.('ada'), ...writes.map((write) => write())]);
  const gone = present(removed, 'an answer');
  ensure(gone.includes(before.id), 'a session that was there before is not among the removed');
  ensureEqual(await store.find(before.id), null, 'the session that was there before');
  for (const { id } of late)
    ensureEqual((await store.find(id)) === null, gone.includes(id), 'a racing one is gone just when it was answered');
  await store.deleteByOwner?.('ada');
}

function sorted(ids: readonly string[] | undefined): string[] {
  return [...present(ids, 'an answer')].sort();
}

async function ensureListed(
  store: TestContext['store'],
  ownerId: string,
  expected: readonly SessionRecord[],
): Promise<void> {
  const listed = present(await store.listByOwner?.(ownerId), 'a list');
  const name = ownerId.slice(0, 20);
  ensureEqual(sorted(listed.map(({ id }) => id)), sorted(expected.map(({ id }) => id)), `the sessions of ${name}`);
  for (const record of expected)
    ensureRecord(
      listed.find(({ id }) => id === record.id),
      record,
      `a session of ${name}`,
    );
}
