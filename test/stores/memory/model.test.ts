import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryStore, type SessionRecord } from '../../../src/index.js';
import { newId, newRecord, rewritten } from '../../../src/testing/kit/records.js';
import { testClock } from '../../support/clock.js';

const MINUTE = 60_000;
const clock = testClock();

/**
 * The expected behaviour of the store, as a list of records from the least to the most recently
 * active.
 */
test('any number of operations gives the same result as a list of records', async () => {
  const ids = Array.from({ length: 8 }, newId);
  const id = fc.constantFrom(...ids);
  const owner = fc.constantFrom('ada', 'eve', undefined);
  const ttl = fc.constantFrom(1_000, 5_000, MINUTE);
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), id, owner, ttl }),
    fc.record({ kind: fc.constant('replace' as const), id, ttl }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'deleteByOwner', 'sweep', 'advance'), id, ttl, owner }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
      const store = memoryStore({ maxSessions: 5, now: clock.now });
      let model: SessionRecord[] = [];
      for (const { kind, id, ttl, ...rest } of operations) {
        const known = model.find((each) => each.id === id);
        const ownerId = 'owner' in rest ? rest.owner : undefined;
        const fields = { id, expiresAt: clock.now() + ttl, ...(ownerId !== undefined && { ownerId }) };
        if (kind === 'insert') {
          const record = newRecord(clock, fields);
          expect(await store.insert(record, ttl)).toBe(known ? 'exists' : 'inserted');
          if (!known) model = [...model.slice(model.length < 5 ? 0 : 1), record];
        } else if (kind === 'replace') {
          const next = rewritten(known ?? newRecord(clock, { id }), { expiresAt: clock.now() + ttl });
          expect(await store.replace(next, known?.version ?? '', ttl)).toBe(known ? 'replaced' : 'gone');
          const active = known && next.expiresAt > known.expiresAt;
          if (active) model = [...model.filter((each) => each !== known), next];
          else model = model.map((each) => (each === known ? next : each));
        } else if (kind === 'delete') {
          expect(await store.delete(id)).toBe(known !== undefined);
          model = model.filter((each) => each !== known);
        } else if (kind === 'deleteByOwner') {
          const gone = model.filter((each) => ownerId !== undefined && each.ownerId === ownerId && each.id !== id);
          expect((await store.deleteByOwner(ownerId ?? '', id)).sort()).toEqual(gone.map((each) => each.id).sort());
          model = model.filter((each) => !gone.includes(each));
        } else {
          if (kind === 'advance') clock.advance(ttl + 1);
          else await store.sweep(clock.now());
          model = model.filter((each) => each.expiresAt > clock.now());
        }
        expect(await store.findMany(ids)).toEqual(
          ids.map((each) => model.find((record) => record.id === each) ?? null),
        );
        const adas = model.filter((each) => each.ownerId === 'ada').map((each) => each.id);
        expect((await store.listByOwner('ada')).map((each) => each.id).sort()).toEqual(adas.sort());
      }
    }),
  );
});
