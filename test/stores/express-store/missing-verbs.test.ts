import { EventEmitter } from 'node:events';
import { describe, expect, test, vi } from 'vitest';
import { createSessions, type SessionRecord } from '../../../src/index.js';
import { expressStore } from '../../../src/stores/express-store/index.js';
import { callbackStore } from '../../support/callback-store.js';
import { gate } from '../../support/gate.js';
import { HOUR, recordOf } from './records.js';
import type { Callback } from './support/traps.js';

describe('names and options', () => {
  test.each(['../secret', '', 'a', `${recordOf({}).id}/..`, `${recordOf({}).id}\n`, recordOf({}).id.toUpperCase()])(
    'refuses an id %j before it reaches a store',
    async (id) => {
      const inner = callbackStore();
      const store = expressStore(inner);
      const record = recordOf({}, { id });
      for (const call of [
        () => store.find(id),
        () => store.insert(record, 1),
        () => store.replace(record, 'x', 1),
        () => store.delete(id),
      ]) {
        await expect(call()).rejects.toMatchObject({ code: 'INVALID_OPTION' });
      }
      expect(inner.calls).toEqual([]);
    },
  );

  test.each<[string, () => unknown]>([
    ['nothing', () => expressStore(undefined as never)],
    ['a session middleware', () => expressStore((() => undefined) as never)],
    ['a store without destroy', () => expressStore({ get() {}, set() {} } as never)],
    ['a timeout that is none', () => expressStore(callbackStore(), { callbackTimeout: 0 })],
  ])('%s is INVALID_OPTION', (_name, make) => {
    expect(make).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });

  test('reports that it is not atomic, and the library warns of it once', async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => void warnings.push(message), error: () => undefined };
    const sessions = createSessions<object>({ store: expressStore(callbackStore()), logger });
    for (let i = 0; i < 3; i += 1) await sessions.create({});
    expect(warnings).toEqual([expect.stringContaining('different processes')]);
  });

  test('many adapters of one store listen once', () => {
    const store = Object.assign(new EventEmitter(), { get() {}, set() {}, destroy() {} });
    for (let i = 0; i < 20; i += 1) expressStore(store);
    expect([store.listenerCount('connect'), store.listenerCount('disconnect')]).toEqual([1, 1]);
  });
});

describe('the capabilities of an adapter depend on the store', () => {
  const { get, set, destroy } = callbackStore();
  const record: SessionRecord = recordOf({ userId: 'ann' }, { expiresAt: 1_000 });
  const stored = { cookie: {}, userId: 'ann', __tokenSession: { format: 1, ...record } };

  test('a store with only the required methods has none', () => {
    const store = expressStore({ get, set, destroy });
    for (const name of ['count', 'clear', 'sweep', 'listByOwner', 'findMany', 'subscribe'])
      expect(store).not.toHaveProperty(name);
  });

  test('count uses length, and fails if that is not a number', async () => {
    const count = (value: unknown) =>
      expressStore({ get, set, destroy, length: (callback) => callback(null, value) }).count?.();
    expect(await count(7)).toBe(7);
    await expect(count('7')).rejects.toThrow('number');
  });

  test('clear waits for running writes, and later writes wait for it', async () => {
    const inner = callbackStore();
    const order: string[] = [];
    inner.before = async (verb) => void order.push(verb);
    const store = expressStore(
      Object.assign(inner, {
        clear: (callback: Callback) => {
          order.push('clear');
          inner.sessions.clear();
          setImmediate(callback);
        },
      }),
    );
    await store.insert(record, HOUR);
    order.length = 0;
    const answers = [
      store.replace({ ...record, version: 'b' }, record.version, HOUR),
      store.clear?.(),
      store.replace(record, 'b', HOUR),
    ];
    expect(await Promise.all(answers)).toEqual(['replaced', undefined, 'gone']);
    expect(order).toEqual(['get', 'set', 'clear', 'get']);
    expect(inner.sessions.size).toBe(0);
  });

  test('a write that begins during clear does not restore the session it has read', async () => {
    const inner = callbackStore();
    const [clearing, writing] = [gate(), gate()];
    const store = expressStore(
      Object.assign(inner, {
        clear: (callback: Callback) => {
          void clearing.opened.then(() => callback(void inner.sessions.clear()));
        },
      }),
    );
    await store.insert(record, HOUR);
    const cleared = store.clear?.();
    inner.before = (verb) => (verb === 'set' ? writing.opened : undefined);
    const replaced = store.replace({ ...record, version: 'b' }, record.version, HOUR);
    await new Promise((resolve) => setImmediate(resolve));
    clearing.open();
    await cleared;
    writing.open();
    expect(await replaced).toBe('gone');
    expect(inner.sessions.size).toBe(0);
  });

  test('a write waits for every clear before it, also when one of them has just ended', async () => {
    const inner = callbackStore();
    const gates = [gate(), gate()];
    let clears = 0;
    const store = expressStore(
      Object.assign(inner, {
        clear: (callback: Callback) => {
          const { opened } = gates[clears] ?? gate();
          clears += 1;
          void opened.then(() => callback());
        },
      }),
    );
    const [first, second] = [store.clear?.(), store.clear?.()];
    gates[0]?.open();
    await first;
    await vi.waitFor(() => expect(clears).toBe(2));
    const inserted = store.insert(record, HOUR);
    await new Promise((resolve) => setImmediate(resolve));
    expect(inner.calls).toEqual([]);
    gates[1]?.open();
    await second;
    expect(await inserted).toBe('inserted');
  });

  test.each<[string, unknown]>([
    ['an array', [stored, { cookie: {}, userId: 'of express-session' }, null, 7]],
    ['an array of texts', [JSON.stringify(stored), 'no JSON', '7']],
    ['a map by id', { [record.id]: stored, other: { cookie: {} } }],
    ['a map of texts', { [record.id]: JSON.stringify(stored), other: 'null' }],
  ])('sweep, where all gives %s, removes only expired sessions of the library', async (_name, all) => {
    const inner = callbackStore();
    inner.sessions.set(record.id, JSON.stringify(stored));
    inner.sessions.set('other', '{"cookie":{}}');
    const store = expressStore(Object.assign(inner, { all: (callback: Callback) => callback(null, all) }));
    expect(await store.sweep?.(999)).toBe(0);
    expect(await store.sweep?.(1_000)).toBe(1);
    expect([...inner.sessions.keys()]).toEqual(['other']);
  });

  test.each([[undefined], [null], ['nothing'], [7]])('sweep removes nothing if all gives %j', async (all) => {
    const inner = callbackStore();
    inner.sessions.set(record.id, JSON.stringify(stored));
    const store = expressStore(Object.assign(inner, { all: (callback: Callback) => callback(null, all) }));
    expect(await store.sweep?.(1_000)).toBe(0);
    expect(inner.calls).toEqual([]);
  });
});
