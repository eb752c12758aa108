import { cookie, createSessions, memoryStore } from 'token-sessions';
import { nextSessions } from 'token-sessions/next';

/**
 * `next dev` loads modules again and again, and bundles pages and routes apart: what must stay is
 * global.
 */
globalThis.kept ??= { store: memoryStore(), finds: 0 };
const { kept } = globalThis;

const store = {
  ...kept.store,
  insert: (...args) => kept.store.insert(...args),
  replace: (...args) => kept.store.replace(...args),
  delete: (...args) => kept.store.delete(...args),
  subscribe: (...args) => kept.store.subscribe(...args),
  find: (id) => {
    kept.finds += 1;
    return kept.store.find(id);
  },
};

export const counts = kept;

export const sessions = createSessions({
  store,
  sources: [cookie('session', { secure: false })],
  ownerOf: (data) => data.userId,
});

export const { getSession, route, action } = nextSessions(sessions);
