import { ensure, ensureEqual, ensureRecord } from '../kit/assert.js';
import type { Kit } from '../kit/context.js';
import { HOUR, newId, newRecord, rewritten } from '../kit/records.js';

/** Every outcome of the four verbs, called one after the other. */
export function verbTests(kit: Kit): void {
  kit.group('insert', () => insertTests(kit));
  kit.group('find', () => findTests(kit));
  kit.group('replace', () => replaceTests(kit));
  kit.group('delete', () => deleteTests(kit));
}

function insertTests({ test }: Kit): void {
  test('insert adds a record, and find returns it', async ({ store, clock }) => {
    const [owned, ownerless] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock)];
    for (const record of [owned, ownerless]) ensureEqual(await store.insert(record, HOUR), 'inserted', 'insert');
    ensureRecord(await store.find(owned.id), owned, 'a record with an owner');
    ensureRecord(await store.find(ownerless.id), ownerless, 'a record without an owner');
  });

  test('insert of an existing id is refused and changes nothing', async ({ store, clock }) => {
    const first = newRecord(clock, { ownerId: 'ada' });
    await store.insert(first, HOUR);
    const second = rewritten(first, { ownerId: 'eve', createdAt: first.createdAt + 1 });
    ensureEqual(await store.insert(second, 2 * HOUR), 'exists', 'insert of a known id');
    ensureRecord(await store.find(first.id), first, 'the record that was there');
  });

  test('insert of the same write again has the same answer and changes nothing', async ({ store, clock }) => {
    const record = newRecord(clock);
    await store.insert(record, HOUR);
    ensureEqual(await store.insert({ ...record }, HOUR), 'inserted', 'the same write again');
    ensureRecord(await store.find(record.id), record, 'the record');
    ensureEqual(await store.delete(record.id), true, 'delete');
    ensureEqual(
      await store.find(record.id),
      null,
      'what is left of a record that was inserted twice and deleted once',
    );
  });

  test('insert of a write whose record has since been replaced is refused', async ({ store, clock }) => {
    const first = newRecord(clock);
    const second = rewritten(first);
    await store.insert(first, HOUR);
    await store.replace(second, first.version, HOUR);
    ensureEqual(await store.insert(first, HOUR), 'exists', 'the first write again');
    ensureRecord(await store.find(first.id), second, 'the newer record');
  });
}

function findTests({ test }: Kit): void {
  test('invariant 1: find of an unknown id returns null and creates nothing', async ({ store, clock }) => {
    const record = newRecord(clock);
    ensureEqual(await store.find(record.id), null, 'find of an unknown id');
    ensureEqual(await store.replace(record, record.version, HOUR), 'gone', 'replace after it');
  });

  test('find distinguishes ids that differ in one character', async ({ store, clock }) => {
    const end = newId().slice(0, -1);
    const records = ['0', '1', 'a', 'f'].map((last) => newRecord(clock, { id: `${end}${last}` }));
    for (const record of records) await store.insert(record, HOUR);
    for (const record of records) ensureRecord(await store.find(record.id), record, record.id);
    ensureEqual(await store.find(`${end}e`), null, 'find of an id beside them');
  });

  test('find has no side effect: a found record can be replaced, deleted and found again', async ({
    store,
    clock,
  }) => {
    const record = newRecord(clock);
    await store.insert(record, HOUR);
    for (let i = 0; i < 3; i += 1) ensureRecord(await store.find(record.id), record, `find ${i + 1}`);
    ensureEqual(await store.replace(rewritten(record), record.version, HOUR), 'replaced', 'replace');
    await store.find(record.id);
    ensureEqual(await store.delete(record.id), true, 'delete');
  });
}

function replaceTests({ test }: Kit): void {
  test('replace writes the new record in place of the old one, and changes no other', async ({
    store,
    other,
    clock,
  }) => {
    const [first, neighbour] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
    for (const record of [first, neighbour]) await store.insert(record, HOUR);
    let stored = first;
    for (const via of [store, other, store]) {
      const next = rewritten(stored);
      ensureEqual(await via.replace(next, stored.version, HOUR), 'replaced', 'replace');
      ensureRecord(await store.find(first.id), next, 'the new record');
      stored = next;
    }
    ensureRecord(await store.find(neighbour.id), neighbour, 'the record beside it');
  });

  test('invariant 2: replace of a missing record writes nothing', async ({ store, clock }) => {
    const [missing, deleted] = [newRecord(clock), newRecord(clock, { ownerId: 'ada' })];
    await store.insert(deleted, HOUR);
    await store.delete(deleted.id);
    for (const record of [missing, deleted]) {
      ensureEqual(await store.replace(rewritten(record), record.version, HOUR), 'gone', 'replace of a missing record');
      ensureEqual(await store.find(record.id), null, 'what it left');
    }
  });

  test('invariant 3: replace with a version other than the stored one writes nothing', async ({ store, clock }) => {
    const first = newRecord(clock);
    const second = rewritten(first);
    await store.insert(first, HOUR);
    await store.replace(second, first.version, HOUR);
    for (const version of [
      first.version,
      rewritten(first).version,
      second.version.slice(0, -1),
      `${second.version}0`,
    ]) {
      ensureEqual(
        await store.replace(rewritten(first), version, HOUR),
        'conflict',
        `replace of ${second.version} expecting ${version}`,
      );
    }
    ensureRecord(await store.find(first.id), second, 'the stored record');
  });

  test('invariant 3: a replace that is repeated after a lost answer finds its own version', async ({
    store,
    clock,
  }) => {
    const first = newRecord(clock);
    const second = rewritten(first);
    await store.insert(first, HOUR);
    await store.replace(second, first.version, HOUR);
    ensureEqual(await store.replace(second, first.version, HOUR), 'conflict', 'the same replace again');
    ensureRecord(await store.find(first.id), second, 'the record by which it is recognised');
  });
}

function deleteTests({ test }: Kit): void {
  test('invariant 5: delete permanently removes the record, whatever its version, and returns whether it existed', async (context) => {
    const { store, other, clock } = context;
    const first = newRecord(clock, { ownerId: 'ada' });
    const second = rewritten(first);
    await store.insert(first, HOUR);
    await store.replace(second, first.version, HOUR);
    ensureEqual(await store.delete(first.id), true, 'delete');
    for (const via of [store, other]) ensureEqual(await via.find(first.id), null, 'find after delete');
    ensureEqual(await other.replace(rewritten(second), second.version, HOUR), 'gone', 'replace after delete');
    ensureEqual(await store.delete(first.id), false, 'a second delete');
    ensureEqual(await store.find(first.id), null, 'find after all that');
  });

  test('delete of an unknown id is a no-op', async ({ store, clock }) => {
    const record = newRecord(clock);
    await store.insert(record, HOUR);
    ensureEqual(await store.delete(newId()), false, 'delete of an unknown id');
    ensureRecord(await store.find(record.id), record, 'the record beside it');
  });

  test('every find sees the writes that were answered before it', async ({ store, other, clock }) => {
    for (let round = 0; round < 20; round += 1) {
      const record = newRecord(clock);
      await store.insert(record, HOUR);
      ensure((await other.find(record.id))?.version === record.version, 'find after insert sees nothing of it');
      const next = rewritten(record);
      await other.replace(next, record.version, HOUR);
      ensure((await store.find(record.id))?.version === next.version, 'find after replace sees nothing of it');
      await store.delete(record.id);
      ensureEqual(await other.find(record.id), null, 'find after delete');
    }
  });
}
