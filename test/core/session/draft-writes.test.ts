import { describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  views: number;
  theme?: string;
}

async function setUp() {
  const store = countingStore();
  const sessions = createSessions<Data>({ store });
  const { token } = await sessions.create({ views: 0 });
  const load = async () => {
    const { session } = await sessions.fromToken(token);
    if (!session) throw new Error('the session is gone');
    return session;
  };
  return { store, load };
}

const countUp = (data: Data) => {
  data.views += 1;
};

describe('concurrent writes of one draft with unsaved changes', () => {
  test('invariant 3: concurrent updates all count on top of the unsaved change', async () => {
    const { load } = await setUp();
    const session = await load();
    session.data.views = 5;
    await Promise.all([session.update(countUp), session.update(countUp), session.update(countUp)]);
    expect((await load()).data.views).toBe(8);
    expect(session.data.views).toBe(8);
  });

  test('invariant 3: updates count after a save that was not awaited', async () => {
    const { load } = await setUp();
    const session = await load();
    session.data.views = 5;
    await Promise.all([session.save(), session.update(countUp), session.update(countUp)]);
    expect((await load()).data.views).toBe(7);
  });

  test('invariant 3: a save that follows an update does not undo it', async () => {
    const { load } = await setUp();
    const session = await load();
    session.data.theme = 'dark';
    await Promise.all([session.update(countUp), session.save(), session.save()]);
    expect((await load()).data).toEqual({ views: 1, theme: 'dark' });
  });

  test('the second write does what the first could not do', async () => {
    const { store, load } = await setUp();
    const session = await load();
    session.data.theme = 'dark';
    const failing = session.update(() => {
      throw new Error('not today');
    });
    const saving = session.save();
    await expect(failing).rejects.toThrow('not today');
    await saving;
    expect((await load()).data).toEqual({ views: 0, theme: 'dark' });
    store.reset();
    await session.save();
    expect(store.total()).toBe(0);
  });

  test('invariant 8: without unsaved changes, they are joined into one write', async () => {
    const { store, load } = await setUp();
    const session = await load();
    expect(session.data.views).toBe(0);
    store.reset();
    await Promise.all([session.update(countUp), session.update(countUp), session.update(countUp)]);
    expect([store.calls.replace, store.total()]).toEqual([1, 1]);
    expect((await load()).data.views).toBe(3);
  });
});

describe('rule 3: data that cannot be changed in place is saved, and follows what was written', () => {
  test.each<[string, (data: Data) => Data]>([
    // As `produce` of Immer returns it.
    ['frozen', (data) => Object.freeze(data)],
    ['sealed', (data) => Object.seal(data)],
    ['closed to new fields', (data) => Object.preventExtensions(data)],
    [
      'with a field that is read-only',
      (data) => Object.defineProperty(data, 'views', { value: data.views, writable: false }),
    ],
    [
      'with a field that is computed',
      ({ views, ...data }) => ({
        ...data,
        get views() {
          return views;
        },
      }),
    ],
  ])('%s', async (_name, close) => {
    const { load } = await setUp();
    const [session, other] = [await load(), await load()];
    session.data = close({ views: 1, theme: 'dark' });
    const written = await session.update((data) => {
      data.views += 1;
      delete data.theme;
    });
    expect([session.data, written]).toEqual([{ views: 2 }, { views: 2 }]);
    other.data.theme = 'light';
    await other.save();
    session.data = close({ ...session.data, views: 3 });
    await session.save();
    expect(session.data).toEqual({ views: 3, theme: 'light' });
    expect((await load()).data).toEqual({ views: 3, theme: 'light' });
  });

  test('data that can be changed stays the same object', async () => {
    const { load } = await setUp();
    const session = await load();
    const { data } = session;
    await session.update(countUp);
    expect(session.data).toBe(data);
    expect(data.views).toBe(1);
  });
});

test.each<[string, (data: Data) => object]>([
  ['the data', (data) => data],
  ['a value in the data', (data) => Object.assign(data, { nested: {} }).nested],
])('rule 9: a symbol for a key of %s is refused, also when nothing else has changed', async (_name, target) => {
  const { load } = await setUp();
  const first = await load();
  target(first.data);
  await first.save();
  const session = await load();
  const { data } = session;
  const held = 'nested' in data ? Object(data.nested) : data;
  held[Symbol('mark')] = 1;
  await expect(session.save()).rejects.toMatchObject({
    code: 'INVALID_DATA',
    message: expect.stringContaining('has a symbol for a key'),
  });
});
