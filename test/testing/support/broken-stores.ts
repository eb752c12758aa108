import type { SessionRecord, SessionStore } from '../../../src/index.js';
import { type BrokenStore, broken, mangling, sound, tick } from './breaking.js';

/** A map that holds the very objects it receives. */
function aliasingMap(): SessionStore {
  const records = new Map<string, SessionRecord>();
  return {
    async insert(record) {
      const known = records.get(record.id);
      if (known) return known.version === record.version ? 'inserted' : 'exists';
      records.set(record.id, record);
      return 'inserted';
    },
    find: async (id) => records.get(id) ?? null,
    async replace(record, expectedVersion) {
      const known = records.get(record.id);
      if (known?.version !== expectedVersion) return known ? 'conflict' : 'gone';
      records.set(record.id, record);
      return 'replaced';
    },
    delete: async (id) => records.delete(id),
  };
}

/** Planted bugs in what the four verbs do. */
export const BROKEN_STORES: readonly BrokenStore[] = [
  {
    bug: 'a replace that inserts',
    create: broken((store) => ({
      async replace(record, expectedVersion, ttl) {
        const answer = await store.replace(record, expectedVersion, ttl);
        if (answer === 'gone') await store.insert(record, ttl);
        return answer === 'gone' ? 'replaced' : answer;
      },
    })),
    fails: [
      'invariant 2: replace of a missing record writes nothing',
      'invariant 2: a replace that races a delete restores nothing',
      'invariants 2, 3 and 5: save, destroy,',
      'invariants 2, 3 and 5: update, destroy,',
      'invariants 2 and 5: rotate, destroy,',
      'invariants 2, 3 and 7: save, expire,',
    ],
  },
  {
    bug: 'a replace that ignores the version',
    create: broken((store) => ({
      async replace(record, _expectedVersion, ttl) {
        for (let known = await store.find(record.id); known; known = await store.find(record.id)) {
          if ((await store.replace(record, known.version, ttl)) === 'replaced') return 'replaced';
        }
        return 'gone';
      },
    })),
    fails: [
      'invariant 3: replace with a version other than the stored one writes nothing',
      'invariant 3: exactly one of several concurrent replaces with one expected version succeeds',
      'invariant 3: concurrent writers that retry lose no increment',
      'several processes > invariants 2 and 3: save, save,',
      'several processes > invariants 2 and 3: save, update,',
      'several processes > invariants 2 and 3: update, update,',
      'several processes > invariants 2 and 3: save, rotate,',
      'several processes > invariants 2 and 3: rotate new token, save of a rotated session',
    ],
  },
  {
    bug: 'a find that drops before the ttl has passed',
    create: broken((store) => ({ insert: (record, ttl) => store.insert(record, ttl - 2) })),
    fails: [
      'a record is forgotten after its ttl, and not a millisecond before',
      'ends at its idle limit, to the millisecond',
    ],
  },
  {
    bug: 'a ttl in whole seconds, rounded down',
    create: broken((store) => ({
      insert: (record, ttl) => store.insert(record, Math.floor(ttl / 1_000) * 1_000),
    })),
    fails: ['a record is forgotten after its ttl, and not a millisecond before'],
  },
  {
    bug: 'an insert that overwrites',
    create: broken((store) => ({
      async insert(record, ttl) {
        const answer = await store.insert(record, ttl);
        if (answer === 'exists') await store.delete(record.id);
        return answer === 'exists' ? store.insert(record, ttl) : answer;
      },
    })),
    fails: [
      'insert of an existing id is refused and changes nothing',
      'insert of a write whose record has since been replaced is refused',
      'exactly one of several concurrent inserts of one id succeeds',
    ],
  },
  {
    bug: 'an insert that does not know its own write again',
    create: broken((store) => ({
      insert: async (record, ttl) => ((await store.find(record.id)) ? 'exists' : store.insert(record, ttl)),
    })),
    fails: ['insert of the same write again'],
  },
  {
    bug: 'an aliasing map',
    create: aliasingMap,
    capabilities: { expires: 'by sweep' },
    fails: ['a caller that changes the records it passed or received changes nothing in the store'],
  },
  {
    bug: 'a store that changes what it is passed',
    create: mangling((record) => Object.assign(record, { storedAt: 1 })),
    fails: ['a store does not change the records that it receives'],
  },
  {
    bug: 'a delete that lies: it keeps the record',
    create: broken((store) => ({ delete: async (id) => (await store.find(id)) !== null })),
    fails: [
      'invariant 5: delete permanently removes the record, whatever its version, and returns whether',
      'invariant 2: a replace that races a delete',
      'exactly one of several concurrent deletes finds the record',
      'invariants 2, 3 and 5: save, destroy,',
      'invariants 2 and 5: touch, destroy,',
    ],
  },
  {
    bug: 'a delete that always says that the record was there',
    create: broken((store) => ({ delete: async (id) => (await store.delete(id)) || true })),
    fails: ['delete of an unknown id is a no-op', 'exactly one of several concurrent deletes finds the record'],
  },
  {
    bug: 'a replace that is not atomic: something comes between its look and its write',
    create: broken((store) => ({
      async replace(record, expectedVersion, ttl) {
        const known = await store.find(record.id);
        if (!known) return 'gone';
        if (known.version !== expectedVersion) return 'conflict';
        await tick();
        await store.delete(record.id);
        await store.insert(record, ttl);
        return 'replaced';
      },
    })),
    fails: [
      'invariant 3: exactly one of several concurrent replaces with one expected version succeeds',
      'invariant 3: concurrent writers that retry lose no increment',
      'invariant 2: a replace that races a delete restores nothing',
    ],
  },
  {
    bug: 'a replace that never says anything but conflict',
    create: broken(() => ({ replace: async () => 'conflict' })),
    fails: ['invariant 3: concurrent writers that retry lose no increment'],
  },
  {
    bug: 'a replace that throws where the version is another one',
    create: broken((store) => ({
      async replace(record, expectedVersion, ttl) {
        const answer = await store.replace(record, expectedVersion, ttl);
        if (answer === 'conflict') throw new Error('serialization failure');
        return answer;
      },
    })),
    fails: [
      'invariant 3: replace with a version other than the stored one writes nothing',
      'several processes > invariants 2 and 3: save, save,',
      'several processes > invariant 2: touch, rotate,',
    ],
  },
  {
    bug: 'a find that renews',
    create: broken((store) => ({
      async find(id) {
        const record = await store.find(id);
        if (record) await store.replace(record, record.version, 1_000);
        return record;
      },
    })),
    fails: ['find does not renew'],
  },
  {
    bug: 'a replace that keeps the old ttl',
    create: broken((store, now) => {
      const ends = new Map<string, number>();
      return {
        insert(record, ttl) {
          ends.set(record.id, now() + ttl);
          return store.insert(record, ttl);
        },
        replace: (record, version, ttl) =>
          store.replace(record, version, (ends.get(record.id) ?? now() + ttl) - now()),
      };
    }),
    fails: [
      'the ttl of a replace replaces the old one, whether longer or shorter',
      'ends at its absolute limit',
      'save, expire,',
    ],
  },
  {
    bug: 'a store that forgets by the deadline, not by the ttl',
    create: (now) => {
      const store = sound(now);
      return {
        ...store,
        async find(id) {
          const record = await store.find(id);
          return record && record.expiresAt > now() ? record : null;
        },
      };
    },
    fails: ['invariant 7: a record whose ttl has not passed exists, whatever its deadline by the library is'],
  },
];
