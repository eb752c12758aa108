import { memoryStore, type SessionRecord, type SessionStore } from '../../../src/index.js';

/** Changes what is found of a record. */
function finding(change: (record: SessionRecord) => SessionRecord): () => SessionStore {
  return () => {
    const { insert, find, replace, delete: remove } = bound(memoryStore());
    return {
      insert,
      replace,
      delete: remove,
      find: async (id) => {
        const record = await find(id);
        return record && change(record);
      },
    };
  };
}

function bound(store: SessionStore): SessionStore {
  return {
    insert: (record, ttl) => store.insert(record, ttl),
    find: (id) => store.find(id),
    replace: (record, version, ttl) => store.replace(record, version, ttl),
    delete: (id) => store.delete(id),
  };
}

function withBody(record: SessionRecord, change: (body: Record<string, unknown>) => void): SessionRecord {
  const body = JSON.parse(record.body);
  change(body);
  return { ...record, body: JSON.stringify(body) };
}

/**
 * Stores that log out clients that rotate together, as version 0.1.0 did or a faulty protocol
 * would.
 */
export const BROKEN: Readonly<Record<string, () => SessionStore>> = {
  'each rotation replaces the pending token': finding((record) => withBody(record, (body) => delete body['n'])),
  'there is no grace': finding((record) =>
    withBody(record, (body) => {
      if (Array.isArray(body['n'])) body['k'] = body['n'][0];
    }),
  ),
  'the random value of a pending token changes': finding((record) =>
    withBody(record, (body) => {
      if (Array.isArray(body['n']) && body['n'][4] !== undefined) body['n'][4] = 'AAAAAAAAAAAAAAAAAAAAAA';
    }),
  ),
  'a write ignores what others have written': () => {
    const store = bound(memoryStore());
    return {
      ...store,
      replace: async (record, _version, ttl) =>
        store.replace(record, (await store.find(record.id))?.version ?? '', ttl),
    };
  },
  'a find is behind by one write': () => {
    const store = bound(memoryStore());
    const former = new Map<string, SessionRecord | null>();
    return {
      ...store,
      find: async (id) => former.get(id) ?? store.find(id),
      replace: async (record, version, ttl) => {
        const before = await store.find(record.id);
        const answer = await store.replace(record, version, ttl);
        if (answer === 'replaced') former.set(record.id, before);
        else former.delete(record.id);
        return answer;
      },
    };
  },
};
