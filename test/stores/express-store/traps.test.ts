import { describe, expect, test, vi } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { type CallbackStore, expressStore } from '../../../src/stores/express-store/index.js';
import { callbackStore } from '../../support/callback-store.js';
import { HOUR, recordOf } from './records.js';
import type { Callback } from './support/traps.js';

/** A store with some methods replaced. The replacements may call the original methods. */
function odd(make: (right: ReturnType<typeof callbackStore>) => Partial<CallbackStore>): CallbackStore {
  const right = callbackStore();
  return Object.assign(Object.create(right), make(right));
}

/** Runs a whole life of a session. */
async function live(store: CallbackStore): Promise<void> {
  const adapted = expressStore(store);
  const record = recordOf({ userId: 'ann' });
  const next = { ...record, version: 'two' };
  expect(await adapted.find(record.id)).toBeNull();
  expect(await adapted.replace(next, record.version, HOUR)).toBe('gone');
  expect(await adapted.insert(record, HOUR)).toBe('inserted');
  expect(await adapted.insert(next, HOUR)).toBe('exists');
  expect(await adapted.find(record.id)).toEqual(record);
  expect(await adapted.replace(next, 'other', HOUR)).toBe('conflict');
  expect(await adapted.replace(next, record.version, HOUR)).toBe('replaced');
  expect(await adapted.find(record.id)).toEqual(next);
  expect(await adapted.delete(record.id)).toBe(true);
  expect(await adapted.delete(record.id)).toBe(false);
  expect(await adapted.find(record.id)).toBeNull();
}

const twice =
  (callback: Callback): Callback =>
  (error, value) => {
    callback(error, value);
    callback(new Error('again'), undefined);
    callback(null, { cookie: {} });
  };

const missing = Object.assign(new Error('no such file'), { code: 'ENOENT' });

describe('an adapter works with a store that', () => {
  test.each<[string, () => CallbackStore]>([
    ['is a good one', callbackStore],
    [
      'calls back twice',
      () =>
        odd((right) => ({
          get: (sid, callback) => right.get(sid, twice(callback)),
          set: (sid, session, callback) => right.set(sid, session, twice(callback)),
          destroy: (sid, callback) => right.destroy(sid, twice(callback)),
        })),
    ],
    [
      'calls back at once',
      () => {
        const sessions = new Map<string, string>();
        return {
          get: (sid, callback) => callback(null, JSON.parse(sessions.get(sid) ?? 'null')),
          set: (sid, session, callback) => callback(void sessions.set(sid, JSON.stringify(session))),
          destroy: (sid, callback) => callback(void sessions.delete(sid)),
        };
      },
    ],
    [
      'reports missing sessions as ENOENT, with a value as well',
      () =>
        odd((right) => ({
          get: (sid, callback) =>
            right.sessions.has(sid) ? right.get(sid, callback) : callback(missing, { cookie: {} }),
          destroy: (sid, callback) => (right.sessions.has(sid) ? right.destroy(sid, callback) : callback(missing)),
        })),
    ],
    [
      'changes the session it receives, and stores that',
      () =>
        odd((right) => ({
          set: (sid, session, callback) => {
            const given: { cookie?: { maxAge?: number; expires?: Date } } = session;
            if (given.cookie) given.cookie.maxAge = (given.cookie.maxAge ?? 0) + 1_000;
            right.set(sid, Object.assign(session, { __lastAccess: 1, lastModified: new Date(), id: sid }), callback);
          },
        })),
    ],
    [
      'returns the object it received, not a copy',
      () => {
        const sessions = new Map<string, object>();
        return {
          get: (sid, callback) => setImmediate(callback, null, sessions.get(sid)),
          set: (sid, session, callback) => setImmediate(callback, void sessions.set(sid, session)),
          destroy: (sid, callback) => setImmediate(callback, void sessions.delete(sid)),
        };
      },
    ],
    [
      'throws an error after it has called back',
      () =>
        odd((right) => ({
          get: (sid, callback) => {
            callback(null, JSON.parse(right.sessions.get(sid) ?? 'null'));
            throw new Error('too late');
          },
        })),
    ],
    [
      'is asynchronous as well, and rejects after it has called back',
      () =>
        odd((right) => ({
          get: async (sid, callback) => {
            callback(null, JSON.parse(right.sessions.get(sid) ?? 'null'));
            throw new Error('too late');
          },
        })),
    ],
    ['inherits from Object.prototype alone, without events', () => ({ ...callbackStore(), on: undefined })],
  ])('%s', async (_name, make) => {
    await live(make());
  });
});

describe('an unreadable value is INVALID_DATA, never null and never another session:', () => {
  const record = recordOf({ userId: 'ann' });
  test.each<[string, unknown]>([
    [
      'another session’s record',
      { cookie: {}, userId: 'ann', __tokenSession: { format: 1, ...recordOf({ userId: 'bob' }) } },
    ],
    ['a text', JSON.stringify({ cookie: {}, __tokenSession: { format: 1, ...record } })],
    ['a Buffer', Buffer.from(JSON.stringify({ cookie: {} }))],
    ['a list', [record]],
    ['true', true],
    ['a session of express-session', { cookie: { originalMaxAge: null }, userId: 'ann' }],
    ['a record of a later format', { cookie: {}, __tokenSession: { ...record, format: 2 } }],
    ['a record without a body', { cookie: {}, __tokenSession: { ...record, format: 1, body: undefined } }],
    ['a record whose owner is a number', { cookie: {}, __tokenSession: { ...record, format: 1, ownerId: 7 } }],
    ['a record whose time is a text', { cookie: {}, __tokenSession: { ...record, format: 1, expiresAt: '1' } }],
    ['an inherited record', Object.create({ __tokenSession: { format: 1, ...record } })],
    ['fields that JSON cannot carry', { cookie: {}, userId: 7n, __tokenSession: { format: 1, ...record } }],
  ])('%s', async (_name, stored) => {
    const destroyed: string[] = [];
    const store = expressStore({
      get: (_sid, callback) => callback(null, stored),
      set: () => expect.unreachable(),
      destroy: (sid, callback) => callback(void destroyed.push(sid)),
    });
    await expect(store.find(record.id)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    await expect(store.replace(record, record.version, HOUR)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    expect(await store.insert({ ...record, version: 'new' }, HOUR)).toBe('exists');
    expect(await store.delete(record.id)).toBe(true);
    expect(destroyed).toEqual([record.id]);
  });

  test('a text that the store itself cannot parse', async () => {
    const store = expressStore(
      odd(() => ({ get: (_sid, callback) => callback(new SyntaxError('Unexpected token'), undefined) })),
    );
    await expect(store.find(record.id)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    expect(await store.delete(record.id)).toBe(true);
  });
});

describe('invariant 6: a failure is STORE_UNAVAILABLE:', () => {
  const error = new Error('disk full');
  const failing: CallbackStore['get'] = (_sid, callback) => callback(error, { cookie: {} });
  test.each<[string, Partial<CallbackStore>]>([
    ['an error and a value at once', { get: failing }],
    ['an exception', { get: () => expect.unreachable('disk full') }],
    ['a rejection', { get: () => Promise.reject(error) }],
    ['an error that is a text', { get: (_sid, callback) => callback('disk full') }],
    ['an error of set', { set: (_sid, _session, callback) => callback(error) }],
    ['ENOENT of set', { set: (_sid, _session, callback) => callback(missing) }],
  ])('%s', async (_name, methods) => {
    const sessions = createSessions<object>({ store: expressStore(odd(() => methods)), storeTimeout: '1s' });
    await expect(sessions.create({ a: 1 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  test('a store that never calls back is STORE_UNAVAILABLE after storeTimeout, and delays no others', async () => {
    const right = callbackStore();
    let silent = false;
    const store = odd(() => ({
      get: (sid, callback) => (silent ? undefined : right.get(sid, callback)),
      set: right.set,
      destroy: right.destroy,
    }));
    const adapted = expressStore(store, { callbackTimeout: 500 });
    // The patient one also succeeds on a busy machine.
    const [hasty, patient] = [50, 10_000].map((storeTimeout) =>
      createSessions<object>({ store: adapted, storeTimeout }),
    );
    const created = await patient?.create({ a: 1 });
    const [token, id] = [created?.token ?? '', created?.id ?? ''];
    silent = true;
    await expect(hasty?.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(hasty?.destroy(id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    silent = false;
    await vi.waitFor(() => patient?.destroy(id), { timeout: 10_000 });
    expect((await patient?.fromToken(token))?.session).toBeNull();
  });
});
