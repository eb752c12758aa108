import type { SessionRecord, SessionStore } from '../../../src/index.js';
import type { MemoryStore } from '../../../src/stores/memory/store.js';
import type { StoreCapabilities } from '../../../src/testing/index.js';
import { completeStore } from './complete-store.js';

/** A store with a planted bug. */
export interface BrokenStore {
  readonly bug: string;
  readonly create: (now: () => number) => SessionStore;
  /** Parts of the titles of tests that must fail, each in at least one. Only these tests run. */
  readonly fails: readonly string[];
  readonly capabilities?: Partial<StoreCapabilities>;
}

/** The four verbs of a memory store. */
export function sound(now: () => number): SessionStore {
  const { insert, find, replace, delete: remove } = completeStore(now);
  return { insert, find, replace, delete: remove };
}

/** A sound store, with some verbs replaced by those of `breakVerbs`. */
export function broken(
  breakVerbs: (store: SessionStore, now: () => number) => Partial<SessionStore>,
): BrokenStore['create'] {
  return (now) => {
    const store = sound(now);
    return { ...store, ...breakVerbs(store, now) };
  };
}

/** A store that keeps the results of `mangle` instead of records. */
export function mangling(mangle: (record: SessionRecord) => SessionRecord): BrokenStore['create'] {
  return broken((store) => ({
    insert: (record, ttl) => store.insert(mangle(record), ttl),
    replace: (record, version, ttl) => store.replace(mangle(record), version, ttl),
  }));
}

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
