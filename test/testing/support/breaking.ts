import type { MemoryStore } from '../../../src/stores/memory/store.js';
import type { BrokenStore } from './broken-stores.js';
import { completeStore } from './complete-store.js';

/** The verbs of a complete store that are replaced by broken ones. */
type Breaking = (store: MemoryStore, now: () => number) => Partial<MemoryStore>;

export function breaking(exchange: Breaking): BrokenStore['create'] {
  return (now) => {
    const store = completeStore(now);
    return { ...store, ...exchange(store, now) };
  };
}

/** Adds a hook around a verb. */
export const tick = () => new Promise((resolve) => setImmediate(resolve));
