import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { copyJson, type JsonValue, setOwn } from '../../../src/core/data/json.js';
import { createSessions } from '../../../src/index.js';
import { expressStore } from '../../../src/stores/express-store/index.js';
import { StoredCookie } from '../../../src/stores/express-store/stored-cookie.js';
import { callbackStore } from '../../support/callback-store.js';
import { HOUR, recordOf } from './records.js';

const TAKEN = ['cookie', 'id', 'lastModified', '__lastAccess', '__tokenSession'];

function setUp() {
  const inner = callbackStore();
  const store = expressStore(inner);
  /** Acts as another program: reads the stored session, changes it and writes it back. */
  function meddle(id: string, change: (stored: Record<string, unknown>) => void): void {
    const stored: Record<string, unknown> = JSON.parse(inner.sessions.get(id) ?? '');
    change(stored);
    inner.sessions.set(id, JSON.stringify(stored));
  }
  return { inner, store, meddle, sessions: createSessions<Record<string, JsonValue>>({ store }) };
}

describe('the stored session', () => {
  test('is flat: the fields of the data beside cookie, and one reserved key', async () => {
    const { inner, store } = setUp();
    const record = recordOf({ userId: 'ann', cart: [{ sku: 7 }] }, { ownerId: 'ann' });
    const before = Date.now();
    await store.insert(record, HOUR);
    const stored = JSON.parse(inner.sessions.get(record.id) ?? '');
    expect(stored).toEqual({
      cookie: { originalMaxAge: HOUR, expires: expect.any(String), path: '/', httpOnly: true, secure: true },
      userId: 'ann',
      cart: [{ sku: 7 }],
      __tokenSession: { format: 1, ...record },
    });
    const left = Date.parse(stored.cookie.expires) - before;
    expect(left).toBeGreaterThanOrEqual(HOUR);
    expect(left).toBeLessThan(HOUR + 1_000);
  });

  test('has a cookie that stores can read and change, with the remaining time', async () => {
    const seen: StoredCookie[] = [];
    const store = expressStore({
      get: (_sid, callback) => callback(),
      set: (_sid, session, callback) => {
        const cookie: unknown = Reflect.get(session, 'cookie');
        if (cookie instanceof StoredCookie) seen.push(cookie);
        callback();
      },
      destroy: (_sid, callback) => callback(),
    });
    for (const ttl of [HOUR, 8.64e15 - Date.now()]) await store.insert(recordOf({}), ttl);
    const [hour, endless] = seen;
    expect(hour?.expires).toBeInstanceOf(Date);
    expect(hour?.originalMaxAge).toBe(HOUR);
    expect(hour?.maxAge).toBeLessThanOrEqual(HOUR);
    expect(hour?.maxAge).toBeGreaterThan(HOUR - 5_000);
    expect(endless?.expires.getFullYear()).toBe(new Date().getFullYear() + 10);
    if (hour) hour.maxAge = 1_000;
    expect(hour?.originalMaxAge).toBe(1_000);
    expect(hour?.expires.getTime()).toBeLessThanOrEqual(Date.now() + 1_000);
  });

  test('has an owner only if the record has one', async () => {
    const { store } = setUp();
    for (const record of [recordOf({ a: 1 }, { ownerId: 'ann' }), recordOf({ a: 1 })]) {
      await store.insert(record, HOUR);
      expect(await store.find(record.id)).toStrictEqual(record);
    }
  });

  test('keeps a text that is not a session of the library', async () => {
    const { store } = setUp();
    for (const body of ['{}', 'null', '"d"', '{"d":', '{"b":1.0,"d" :{"b":1e0 ,"a":-0}}']) {
      const record = recordOf({}, { body });
      await store.insert(record, HOUR);
      expect(await store.find(record.id)).toEqual(record);
    }
  });
});

describe('invariant 9: stored data comes back exactly', () => {
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('__proto__', 'constructor', 'toString', 'toJSON', 'then', 'save', 'req', '0', ''),
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(-0, 1e308, '\u0000', '\ud800'),
    fc.record({ a: fc.constant(-0) }),
  );
  const data = fc.array(fc.tuple(key, value)).map((entries) => {
    const object: Record<string, JsonValue> = {};
    for (const [name, each] of entries) if (!TAKEN.includes(name)) setOwn(object, name, copyJson(each));
    return object;
  });

  test('with arbitrary fields, in any order', async () => {
    const { store } = setUp();
    await fc.assert(
      fc.asyncProperty(data, async (each) => {
        const record = recordOf(each);
        await store.insert(record, HOUR);
        expect(await store.find(record.id)).toEqual(record);
      }),
      { numRuns: 300 },
    );
  });

  test('even if the store reorders the fields, as binary JSON does', async () => {
    const { store, meddle } = setUp();
    const record = recordOf({ b: { d: 1, c: -0 }, a: [1] });
    await store.insert(record, HOUR);
    meddle(record.id, (stored) => {
      delete stored['b'];
      stored['b'] = { c: 0, d: 1 };
    });
    expect(await store.find(record.id)).toEqual(record);
  });

  test('keeps fields that are named like methods of express-session, and hides them from it', async () => {
    const { inner, store } = setUp();
    const names = [
      'req',
      'touch',
      'resetMaxAge',
      'save',
      'reload',
      'destroy',
      'regenerate',
      'hasOwnProperty',
      '__proto__',
    ];
    const fields: Record<string, JsonValue> = {};
    for (const name of names) setOwn<JsonValue>(fields, name, 1);
    const record = recordOf({ ...fields, a: 1 });
    await store.insert(record, HOUR);
    expect(Object.keys(JSON.parse(inner.sessions.get(record.id) ?? ''))).toEqual(['cookie', 'a', '__tokenSession']);
    expect(await store.find(record.id)).toEqual(record);
  });
});

describe('data that conflicts with express-session’s fields is INVALID_DATA, and is not written:', () => {
  test.each(TAKEN)('a field called %s', async (name) => {
    const { inner, sessions } = setUp();
    await expect(sessions.create({ [name]: 1 })).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining(name),
    });
    expect(inner.sessions.size).toBe(0);
    const { token } = await sessions.create({ deep: { [name]: 1 } });
    const { session } = await sessions.fromToken(token);
    if (session) session.data[name] = 2;
    await expect(session?.save()).rejects.toMatchObject({ code: 'INVALID_DATA' });
    expect((await sessions.fromToken(token)).session?.data).toEqual({ deep: { [name]: 1 } });
  });

  test.each([[[]], ['text'], [null], [7], [true]])('%j instead of an object', async (data) => {
    const sessions = createSessions<JsonValue>({ store: setUp().store });
    await expect(sessions.create(data)).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });
});

describe('fields that express-session has changed', () => {
  async function changed() {
    const all = setUp();
    const session = await all.sessions.create({ views: 1, name: 'ann', zero: -0, save: true });
    all.meddle(session.id, (stored) => {
      stored['views'] = 2;
      stored['added'] = { deep: true };
      delete stored['name'];
    });
    return { ...all, session };
  }

  test('are read by the library', async () => {
    const { sessions, session } = await changed();
    const data = (await sessions.fromToken(session.token)).session?.data;
    expect(data).toEqual({ views: 2, zero: -0, save: true, added: { deep: true } });
    expect(Object.keys(data ?? {})).toEqual(['views', 'zero', 'save', 'added']);
  });

  test('count as another writer’s change: a write that does not know them is merged with them', async () => {
    const { sessions, session } = await changed();
    const conflicts: unknown[] = [];
    sessions.on('conflict', (event) => conflicts.push(event.reason));
    session.data['mine'] = true;
    await session.save();
    expect(conflicts).toEqual(['merged']);
    await session.update((data) => {
      data['views'] = Number(data['views']) + 1;
    });
    const data = (await sessions.fromToken(session.token)).session?.data;
    expect(data).toEqual({ views: 3, zero: -0, save: true, added: { deep: true }, mine: true });
  });

  test('keep their version while they stay the same, and get another one when they change', async () => {
    const { store, meddle, session } = await changed();
    const first = await store.find(session.id);
    expect(await store.find(session.id)).toEqual(first);
    expect(await store.replace({ ...recordOf({}), id: session.id }, first?.version ?? '', HOUR)).toBe('replaced');
    expect(first?.version).toMatch(/^[\w-]{22}$/);
    meddle(session.id, (stored) => {
      stored['views'] = 3;
    });
    expect((await store.find(session.id))?.version).not.toBe(first?.version);
  });

  test.each<[string, (stored: Record<string, unknown>) => void, object]>([
    ['is only added', (stored) => Object.assign(stored, { added: 7 }), { views: 1, name: 'ann', added: 7 }],
    ['is only removed', (stored) => delete stored['name'], { views: 1 }],
    ['only changes', (stored) => Object.assign(stored, { views: 2 }), { views: 2, name: 'ann' }],
  ])('count if a field %s', async (_name, change, expected) => {
    const { sessions, store, meddle } = setUp();
    const session = await sessions.create({ views: 1, name: 'ann' });
    const before = await store.find(session.id);
    meddle(session.id, change);
    expect((await sessions.find(session.id))?.data).toEqual(expected);
    expect((await store.find(session.id))?.version).not.toBe(before?.version);
  });

  test('do not matter in the cookie: the record’s deadline counts', async () => {
    const { store, meddle, sessions } = setUp();
    const session = await sessions.create({ a: 1 });
    const before = await store.find(session.id);
    meddle(session.id, (stored) => {
      stored['cookie'] = { originalMaxAge: 1, expires: new Date(0) };
      stored['__lastAccess'] = 7;
      stored['lastModified'] = 'now';
      stored['id'] = session.id;
    });
    expect(await store.find(session.id)).toEqual(before);
  });

  test('are converted as JSON does if the store does not keep JSON', async () => {
    let stored: object | undefined;
    const store = expressStore({
      get: (_sid, callback) => callback(null, stored),
      set: (_sid, session, callback) => {
        stored = { ...session, at: new Date(0), run: () => 1, none: undefined };
        callback();
      },
      destroy: (_sid, callback) => callback(),
    });
    const sessions = createSessions<object>({ store });
    const session = await sessions.create({ a: 1 });
    expect((await sessions.find(session.id))?.data).toEqual({ a: 1, at: '1970-01-01T00:00:00.000Z' });
  });
});
