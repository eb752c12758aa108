import type { SessionStore } from '../../src/index.js';
import { memoryStore } from '../../src/index.js';

/** The verbs that every store has. */
export type Verb = 'insert' | 'find' | 'replace' | 'delete';

/** A store that counts the calls of the four verbs, and has a hook for tests. */
export interface CountingStore extends SessionStore {
  readonly calls: Readonly<Record<Verb, number>>;
  /** All calls since the last {@link CountingStore.reset}. */
  total(): number;
  reset(): void;
  /** Runs before each call. If it throws, the call throws; if it waits, the call waits. */
  before: ((verb: Verb, id: string) => void | Promise<void>) | undefined;
}

export function countingStore(inner: SessionStore = memoryStore()): CountingStore {
  const calls: Record<Verb, number> = { insert: 0, find: 0, replace: 0, delete: 0 };
  const counted = async (verb: Verb, id: string): Promise<void> => {
    calls[verb] += 1;
    await store.before?.(verb, id);
  };
  const store: CountingStore = {
    calls,
    before: undefined,
    total: () => calls.insert + calls.find + calls.replace + calls.delete,
    reset: () => {
      Object.assign(calls, { insert: 0, find: 0, replace: 0, delete: 0 });
    },
    insert: async (record, ttl) => {
      await counted('insert', record.id);
      return inner.insert(record, ttl);
    },
    find: async (id) => {
      await counted('find', id);
      return inner.find(id);
    },
    replace: async (record, expectedVersion, ttl) => {
      await counted('replace', record.id);
      return inner.replace(record, expectedVersion, ttl);
    },
    delete: async (id) => {
      await counted('delete', id);
      return inner.delete(id);
    },
    count: async () => (await inner.count?.()) ?? 0,
  };
  return store;
}
