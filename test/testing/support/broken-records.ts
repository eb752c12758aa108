import type { SessionRecord } from '../../../src/index.js';
import { type BrokenStore, broken, mangling, sound } from './breaking.js';

/** Planted bugs in what comes back of a record. */
export const BROKEN_RECORDS: readonly BrokenStore[] = [
  {
    bug: 'a store that drops U+0000, escaped as it is',
    create: mangling((record) => ({ ...record, body: record.body.replaceAll('\\u0000', '') })),
    fails: [
      'invariant 9: bodies are kept exactly, whatever data they hold',
      'invariant 9: hostile data comes back unchanged',
    ],
  },
  {
    bug: 'a store that lower-cases text',
    create: mangling((record) => ({ ...record, body: record.body.toLowerCase() })),
    fails: [
      'insert adds a record, and find returns it',
      'invariant 9: bodies are kept exactly, whatever data they hold',
    ],
  },
  {
    bug: 'a store that truncates text at 64 kB',
    create: mangling((record) => ({ ...record, body: record.body.slice(0, 65_535) })),
    fails: ['bodies of every size are kept'],
  },
  {
    bug: 'a store that parses the body and writes it again',
    create: mangling((record) => ({ ...record, body: JSON.stringify(JSON.parse(record.body)) })),
    fails: [
      'invariant 9: bodies are kept exactly, whatever data they hold',
      'bodies are opaque',
      'invariant 9: hostile data comes back unchanged',
    ],
  },
  {
    bug: 'a store that compares versions without their case',
    create: broken((store) => ({
      async replace(record, expectedVersion, ttl) {
        const known = await store.find(record.id);
        const same = known?.version.toLowerCase() === expectedVersion.toLowerCase();
        return store.replace(record, known && same ? known.version : expectedVersion, ttl);
      },
    })),
    fails: ['invariant 3: versions of every valid form are kept and compared exactly'],
  },
  {
    bug: 'a store that forgets the owner',
    create: mangling(({ ownerId: _, ...record }) => record),
    fails: [
      'insert adds a record, and find returns it',
      'owners of every valid form are kept, and a missing owner stays missing',
    ],
  },
  {
    bug: 'a store that gives an owner of null to those without one',
    create: broken((store) => {
      const owned = (record: SessionRecord | null) => record && Object.assign({ ownerId: null }, record);
      return { find: async (id) => owned(await store.find(id)) };
    }),
    fails: ['insert adds a record, and find returns it'],
  },
  {
    bug: 'a store that gives back a field of its own',
    create: (now) => {
      const store = sound(now);
      return {
        ...store,
        find: async (id) => {
          const record = await store.find(id);
          return record && Object.assign(record, { row: 1 });
        },
      };
    },
    fails: ['insert adds a record, and find returns it'],
  },
  {
    bug: 'a store that keeps whole seconds',
    create: mangling((record) => ({ ...record, expiresAt: Math.floor(record.expiresAt / 1_000) * 1_000 })),
    fails: ['times are kept to the millisecond', 'ends at its idle limit, to the millisecond'],
  },
];
