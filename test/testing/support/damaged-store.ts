import { SessionError } from '../../../src/index.js';
import type { MemoryStore } from '../../../src/stores/memory/store.js';
import type { OpenedStore } from '../../../src/testing/index.js';
import { completeStore } from './complete-store.js';

/** A complete store with records that can be damaged. It then reads only their ids. */
export function damageableStore(
  now: () => number,
  breaking: (store: MemoryStore, isDamaged: (id: string) => boolean) => Partial<MemoryStore> = () => ({}),
): OpenedStore {
  const inner = completeStore(now);
  const damaged = new Set<string>();
  const asRead = <Read extends { readonly id: string } | null>(record: Read): Read =>
    record && damaged.has(record.id)
      ? { ...record, version: '', createdAt: Number.NaN, expiresAt: Number.NaN, body: '' }
      : record;
  const store: MemoryStore = {
    ...inner,
    async find(id) {
      if (damaged.has(id) && (await inner.find(id))) throw new SessionError('INVALID_DATA', 'the record is damaged');
      return inner.find(id);
    },
    findMany: async (ids) => (await inner.findMany(ids)).map(asRead),
    listByOwner: async (ownerId) => (await inner.listByOwner(ownerId)).map(asRead),
  };
  return { store: { ...store, ...breaking(store, (id) => damaged.has(id)) }, damage: async (id) => damaged.add(id) };
}
