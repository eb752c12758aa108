import type { SessionRecord, StoreListener } from '../../../src/index.js';
import { type BrokenStore, breaking, tick } from './breaking.js';
import { completeStore } from './complete-store.js';

/** A store that calls its listeners through `call`. */
function reporting(call: (listener: StoreListener, ids: readonly string[]) => void): BrokenStore['create'] {
  return breaking((store) => ({
    subscribe: (listener) => store.subscribe({ ended: (ids) => call(listener, ids), gap: () => listener.gap() }),
  }));
}

export const BROKEN_CAPABILITIES: readonly BrokenStore[] = [
  {
    bug: 'a store that lacks what it declares',
    create: (now) => {
      const { count: _, ...rest } = completeStore(now);
      return rest;
    },
    fails: [
      'the store has exactly the capabilities that it declares',
      'count counts inserts and deletes, and nothing else',
    ],
  },
  {
    bug: 'a store that has more than it declares',
    create: breaking(() => ({})),
    capabilities: { count: false },
    fails: ['the store has exactly the capabilities that it declares'],
  },
  {
    bug: 'a store that declares to be atomic and says that it is not',
    create: (now) => ({ ...completeStore(now), atomic: false }),
    fails: ['the store has exactly the capabilities that it declares'],
  },
  {
    bug: 'a list that takes owners apart at a separator',
    create: breaking((store) => {
      const cut = (ownerId: string) => ownerId.split(':')[0] ?? '';
      return {
        insert: (record, ttl) =>
          store.insert(record.ownerId === undefined ? record : { ...record, ownerId: cut(record.ownerId) }, ttl),
        listByOwner: (ownerId) => store.listByOwner(cut(ownerId)),
      };
    }),
    fails: ['listByOwner > listByOwner keeps owners of every valid form apart', 'owners of every valid form are kept'],
  },
  {
    bug: 'a list of records as they were inserted',
    create: breaking((store) => {
      const inserted = new Map<string, SessionRecord>();
      return {
        insert(record, ttl) {
          inserted.set(record.id, record);
          return store.insert(record, ttl);
        },
        listByOwner: async (ownerId) =>
          (await store.listByOwner(ownerId)).map((each) => inserted.get(each.id) ?? each),
      };
    }),
    fails: ["listByOwner returns all of an owner's records as last written, and no other's"],
  },
  {
    bug: 'a list that is a moment behind',
    create: breaking((store) => {
      let behind: SessionRecord[] = [];
      return {
        async listByOwner(ownerId) {
          const answer = behind;
          behind = await store.listByOwner(ownerId);
          return answer;
        },
      };
    }),
    fails: ['listByOwner includes each insert that was answered before, even among many parallel ones'],
  },
  {
    bug: 'a deleteByOwner that spares no session',
    create: breaking((store) => ({ deleteByOwner: (ownerId) => store.deleteByOwner(ownerId) })),
    fails: [
      'deleteByOwner spares one session',
      "subscribe > invariant 5: a listener receives all of an owner's sessions that deleteByOwner ended",
    ],
  },
  {
    bug: 'a deleteByOwner that answers ids which were gone before',
    create: breaking((store) => ({
      deleteByOwner: async (ownerId, except) => [...(await store.deleteByOwner(ownerId, except)), 'other'],
    })),
    fails: ["invariant 5: deleteByOwner permanently removes all of an owner's records, and returns their ids"],
  },
  {
    bug: 'a deleteByOwner that races: what is replaced meanwhile stays',
    create: breaking((store) => ({
      async deleteByOwner(ownerId, except) {
        const records = await store.listByOwner(ownerId);
        await tick();
        const ids: string[] = [];
        for (const { id, version } of records) {
          if (id === except || (await store.find(id))?.version !== version) continue;
          if (await store.delete(id)) ids.push(id);
        }
        return ids;
      },
    })),
    fails: ['deleteByOwner that races inserts and replaces'],
  },
  {
    bug: 'a limit that evicts the newest',
    create: breaking((store, now) => ({
      async insertWithin(record, ttl, limit) {
        const others = await store.listByOwner(record.ownerId ?? '');
        const excess = others.length + 1 - limit.max;
        const evicted = others.sort((a, b) => b.createdAt - a.createdAt).slice(0, Math.max(0, excess));
        if (limit.onLimit === 'deny') return store.insertWithin(record, ttl, { ...limit, now: now() });
        for (const { id } of evicted) await store.delete(id);
        return { outcome: await store.insert(record, ttl), evicted: evicted.map(({ id }) => id) };
      },
    })),
    fails: ["'evict-oldest' ends the sessions with the earliest creation and then the lowest id, never the"],
  },
  {
    bug: 'a limit that counts what has expired',
    create: breaking((store) => ({
      insertWithin: (record, ttl, limit) => store.insertWithin(record, ttl, { ...limit, now: 0 }),
    })),
    fails: ["only the owner's sessions before their deadline count"],
  },
  {
    bug: 'a limit that races: it looks first and inserts later',
    create: breaking((store) => ({
      async insertWithin(record, ttl, limit) {
        const others = await store.listByOwner(record.ownerId ?? '');
        await tick();
        if (others.length >= limit.max && limit.onLimit === 'deny') return { outcome: 'limit-reached', evicted: [] };
        return { outcome: await store.insert(record, ttl), evicted: [] };
      },
    })),
    fails: [
      "'evict-oldest': parallel inserts leave exactly the limit, and report each session that they",
      "'deny': parallel inserts fill the limit exactly",
    ],
  },
  {
    bug: 'a findMany that leaves out what is missing',
    create: breaking((store) => ({
      findMany: async (ids) => (await store.findMany(ids)).filter((each) => each !== null),
    })),
    fails: ['findMany returns records in the order of the ids, with null for missing ones'],
  },
  {
    bug: 'a count of all that were ever inserted',
    create: breaking((store) => {
      let inserted = 0;
      return {
        insert(record, ttl) {
          inserted += 1;
          return store.insert(record, ttl);
        },
        count: async () => inserted,
      };
    }),
    fails: ['count counts inserts and deletes, and nothing else', 'clear removes every record'],
  },
  {
    bug: 'a clear that leaves something',
    create: breaking((store) => ({ clear: async () => void (await store.deleteByOwner('eve')) })),
    fails: ['clear removes every record', 'invariant 5: a listener receives the sessions that clear ended, or a gap'],
  },
  {
    bug: 'a sweep by another clock than the given one',
    create: breaking((store, now) => ({ sweep: () => store.sweep(now()) })),
    fails: ['sweep removes and counts the records whose deadline has passed by the given clock'],
  },
  {
    bug: 'a sweep that leaves what ends at that very moment',
    create: breaking((store) => ({ sweep: (now) => store.sweep(now - 1) })),
    fails: ['sweep removes and counts the records whose deadline has passed by the given clock'],
  },
  {
    bug: 'notifications that never come',
    create: reporting(() => undefined),
    fails: [
      'invariant 5: a listener receives the id of a session that this or another process deleted',
      'invariant 5: a listener receives a session that was evicted',
    ],
  },
  {
    bug: 'notifications that come twice',
    create: reporting((listener, ids) => listener.ended([...ids, ...ids])),
    fails: ['a listener receives each ended session once, and nothing else'],
  },
  {
    bug: 'notifications of what was only replaced',
    create: breaking((store) => {
      const listeners = new Set<StoreListener>();
      return {
        async replace(record, expectedVersion, ttl) {
          for (const each of listeners) each.ended([record.id]);
          return store.replace(record, expectedVersion, ttl);
        },
        subscribe(listener) {
          listeners.add(listener);
          return store.subscribe(listener);
        },
      };
    }),
    fails: ['a listener receives each ended session once, and nothing else'],
  },
  {
    bug: 'a subscription that does not stop',
    create: breaking((store) => ({
      async subscribe(listener) {
        await store.subscribe(listener);
        return async () => undefined;
      },
    })),
    fails: ['a listener that has stopped receives nothing more, and the others continue'],
  },
  {
    bug: 'a subscription that stops all others as well',
    create: breaking((store) => {
      const stops: (() => Promise<void>)[] = [];
      return {
        async subscribe(listener) {
          stops.push(await store.subscribe(listener));
          return async () => void (await Promise.all(stops.map((stop) => stop())));
        },
      };
    }),
    fails: ['a listener that has stopped receives nothing more, and the others continue'],
  },
];
