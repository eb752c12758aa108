import { memoryStore } from '../../../src/index.js';
import type { BrokenStore } from './breaking.js';
import { completeStore } from './complete-store.js';

/** Four verbs that follow their own clock. */
function ownClock() {
  const { insert, find, replace, delete: remove } = completeStore(Date.now);
  return { insert, find, replace, delete: remove };
}

/** Stores that expire records by their own clock, at the wrong time. */
export const BROKEN_CLOCKS: readonly BrokenStore[] = [
  {
    bug: 'a store that counts in whole seconds, rounded down',
    create: () => {
      const store = ownClock();
      return { ...store, insert: (record, ttl) => store.insert(record, Math.floor(ttl / 1_000) * 1_000) };
    },
    fails: ['a record is forgotten after its ttl and never before, replace moves that time both ways, and'],
  },
  {
    bug: 'a store that never forgets',
    create: () => memoryStore({ now: () => 0 }),
    fails: ['a record is forgotten after its ttl and never before, replace moves that time both ways, and'],
  },
  {
    bug: 'a store whose replace does not move the ttl',
    create: () => {
      const store = ownClock();
      return { ...store, replace: (record, version) => store.replace(record, version, 1_900) };
    },
    fails: ['a record is forgotten after its ttl and never before, replace moves that time both ways, and'],
  },
];
