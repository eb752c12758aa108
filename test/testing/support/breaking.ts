import type { MemoryStore } from '../../../src/stores/memory/store.js';
import type { BrokenStore } from './broken-stores.js';
import { completeStore } from './complete-store.js';

/** What of a complete store is exchanged for something broken. */
type Breaking = (store: MemoryStore, now: () => number) => Partial<MemoryStore>;

export function breaking(exchange: Breaking): BrokenStore['create'] {
  return (now) => {
    const store = completeStore(now);
    return { ...store, ...exchange(store, now) };
  };
}

/** Lets something come between. */
export const tick = () => new Promise((resolve) => setImmediate(resolve));
