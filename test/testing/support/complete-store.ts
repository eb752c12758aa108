import { type MemoryStore, memoryStore } from '../../../src/stores/memory/store.js';

/** A memory store as an object whose verbs can be replaced one by one. */
export function completeStore(now: () => number): MemoryStore {
  const store = memoryStore({ now });
  return {
    insert: (record, ttl) => store.insert(record, ttl),
    find: (id) => store.find(id),
    replace: (record, expectedVersion, ttl) => store.replace(record, expectedVersion, ttl),
    delete: (id) => store.delete(id),
    listByOwner: (ownerId) => store.listByOwner(ownerId),
    deleteByOwner: (ownerId, except) => store.deleteByOwner(ownerId, except),
    insertWithin: (record, ttl, limit) => store.insertWithin(record, ttl, limit),
    trimOwner: (ownerId, trim) => store.trimOwner(ownerId, trim),
    touch: (record, expectedVersion, ttl) => store.touch(record, expectedVersion, ttl),
    findMany: (ids) => store.findMany(ids),
    sweep: (now) => store.sweep(now),
    count: () => store.count(),
    clear: () => store.clear(),
    subscribe: (listener) => store.subscribe(listener),
    steps: store.steps,
  };
}
