import { isSessionError } from '../../core/error.js';
import { decodeRecord } from '../../core/record/codec.js';
import type { SessionRecord } from '../../core/store.js';
import { ensure, ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord } from '../kit/records.js';

/** Records that the store cannot read. For stores whose tests can damage a record. */
export function unreadableTests({ test, has }: Kit): void {
  test('invariant 6: find of an unreadable record fails with INVALID_DATA, and never returns null', async (context) => {
    const { damaged } = await damageOne(context);
    const outcome = await context.store.find(damaged.id).then(
      (found) => JSON.stringify(found),
      (error: unknown) => (isSessionError(error) ? error.code : String(error)),
    );
    ensureEqual(outcome, 'INVALID_DATA', 'the answer');
  });

  test('an unreadable record can be deleted', async (context) => {
    const { damaged, sound } = await damageOne(context);
    ensureEqual(await context.store.delete(damaged.id), true, 'delete');
    ensureEqual(await context.store.find(damaged.id), null, 'find after it');
    ensureRecord(await context.store.find(sound.id), sound, 'the record beside it');
  });

  if (has('findMany')) {
    test('invariant 6: one unreadable record does not spoil findMany', async (context) => {
      const { damaged, sound } = await damageOne(context);
      const [first, second, ...more] = present(await context.store.findMany?.([damaged.id, sound.id]), 'an answer');
      ensureUnreadable(first, damaged.id);
      ensureRecord(second, sound, 'the record beside it');
      ensureEqual(more, [], 'other records');
    });
  }

  if (has('listByOwner')) {
    test('invariant 6: one unreadable record does not spoil listByOwner', async (context) => {
      const { damaged, sound } = await damageOne(context);
      const listed = present(await context.store.listByOwner?.('ada'), 'a list');
      ensureEqual(listed.map(({ id }) => id).sort(), [damaged.id, sound.id].sort(), 'the ids in the list');
      ensureUnreadable(listed.find(({ id }) => id === damaged.id) ?? null, damaged.id);
      ensureRecord(
        listed.find(({ id }) => id === sound.id),
        sound,
        'the record beside it',
      );
    });
  }

  if (has('deleteByOwner')) {
    test('invariant 5: deleteByOwner ends an unreadable session', async (context) => {
      const { damaged, sound } = await damageOne(context);
      const ended = present(await context.store.deleteByOwner?.('ada'), 'an answer');
      ensureEqual([...ended].sort(), [damaged.id, sound.id].sort(), 'the ids that were removed');
      ensureEqual(await context.store.find(damaged.id), null, 'the session');
    });
  }
}

async function damageOne({
  store,
  clock,
  damage,
}: TestContext): Promise<{ damaged: SessionRecord; sound: SessionRecord }> {
  const [damaged, sound] = [newRecord(clock, { ownerId: 'ada' }), newRecord(clock, { ownerId: 'ada' })];
  for (const record of [damaged, sound]) await store.insert(record, HOUR);
  await present(damage, "createStore's damage")(damaged.id);
  return { damaged, sound };
}

function ensureUnreadable(record: SessionRecord | null | undefined, id: string): void {
  const found = present(record, 'the record that cannot be read');
  ensureEqual(found.id, id, 'its id');
  let readable = true;
  try {
    decodeRecord(found);
  } catch {
    readable = false;
  }
  ensure(!readable, 'the library can read a record that the store cannot');
}
