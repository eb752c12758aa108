import type { memoryStore, SessionStore } from '../../../src/index.js';

/**
 * A store whose bulk work is one step: then all that follows from a step of a call happens before
 * the next turn.
 */
export function wholeStore(store: ReturnType<typeof memoryStore>): SessionStore {
  return {
    insert: (record, ttl) => store.insert(record, ttl),
    insertWithin: (record, ttl, limit) => store.insertWithin(record, ttl, limit),
    find: (id) => store.find(id),
    findMany: (ids) => store.findMany(ids),
    replace: (record, expectedVersion, ttl) => store.replace(record, expectedVersion, ttl),
    touch: (record, expectedVersion, ttl) => store.touch(record, expectedVersion, ttl),
    delete: (id) => store.delete(id),
    listByOwner: (ownerId) => store.listByOwner(ownerId),
    deleteByOwner: (ownerId, except) => store.deleteByOwner(ownerId, except),
    trimOwner: (ownerId, trim) => store.trimOwner(ownerId, trim),
    count: () => store.count(),
  };
}
