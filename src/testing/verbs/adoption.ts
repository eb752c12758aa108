import type { SessionRecord } from '../../core/store.js';
import { ensureEqual, ensureRecord, present } from '../kit/assert.js';
import type { Kit, TestContext } from '../kit/context.js';
import { HOUR, newRecord, rewritten } from '../kit/records.js';

/**
 * Sessions that get their owner with a later write, because `ownerOf` was switched on after their
 * creation.
 */
export function adoptionTests({ test, has }: Kit): void {
  test('rule 27: a replace permanently gives an owner to a session that had none', async (context) => {
    const adopted = await adopt(context);
    const later = rewritten(adopted);
    ensureEqual(await context.store.replace(later, adopted.version, HOUR), 'replaced', 'a later replace');
    ensureRecord(await context.other.find(adopted.id), later, 'the record after it');
  });

  if (has('listByOwner')) {
    test('rule 27: listByOwner includes a session that got its owner later', async (context) => {
      const adopted = await adopt(context);
      const [listed, ...more] = present(await context.other.listByOwner?.('ada'), 'a list');
      ensureRecord(listed, adopted, 'the listed record');
      ensureEqual(more, [], 'other records');
    });
  }

  if (has('deleteByOwner')) {
    test('rule 27: deleteByOwner ends a session that got its owner later', async (context) => {
      const adopted = await adopt(context);
      ensureEqual(await context.other.deleteByOwner?.('ada'), [adopted.id], 'the ids that were removed');
      ensureEqual(await context.store.find(adopted.id), null, 'the session');
    });
  }

  if (has('insertWithin')) {
    test('rule 27: a limit counts a session that got its owner later', async (context) => {
      await adopt(context);
      const limit = { max: 1, onLimit: 'deny', now: context.clock.now() } as const;
      const answer = await context.other.insertWithin?.(newRecord(context.clock, { ownerId: 'ada' }), HOUR, limit);
      ensureEqual(answer, { outcome: 'limit-reached', evicted: [] }, 'the answer');
    });
  }

  if (has('trimOwner')) {
    test('rule 27: trimOwner counts a session that got its owner later', async (context) => {
      const adopted = await adopt(context);
      const fresh = newRecord(context.clock, { ownerId: 'ada', createdAt: context.clock.now() + 1 });
      await context.store.insert(fresh, HOUR);
      const trim = { max: 1, now: context.clock.now(), keep: fresh.id };
      ensureEqual(await context.other.trimOwner?.('ada', trim), [adopted.id], 'what had to go');
    });
  }
}

async function adopt({ store, clock }: TestContext): Promise<SessionRecord> {
  const first = newRecord(clock);
  await store.insert(first, HOUR);
  const adopted = rewritten(first, { ownerId: 'ada' });
  ensureEqual(await store.replace(adopted, first.version, HOUR), 'replaced', 'the replace that gives the owner');
  ensureRecord(await store.find(first.id), adopted, 'the record with its owner');
  return adopted;
}
