import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createSessions, memoryStore } from '../../../src/index.js';
import { type Data, open, setUp } from './support/sessions.js';

describe('update', () => {
  test('invariant 3: concurrent updates all count, also across instances', async () => {
    const { sessions, sameStore } = setUp();
    const { token } = await sessions.create({ userId: 'ann', views: 0 });
    const instances = [sessions, sameStore(), sameStore(), sameStore()];
    const bump = async (index: number) =>
      (await open(instances[index % 4] ?? sessions, token)).update((data) => {
        data.views = (data.views ?? 0) + 1;
      });
    const results = await Promise.all(Array.from({ length: 100 }, (_, index) => bump(index)));
    expect((await open(sessions, token)).data.views).toBe(100);
    expect(Math.max(...results.map((data) => data.views ?? 0))).toBe(100);
  });

  test('includes the draft’s unsaved changes, and resolves to the written data', async () => {
    const { sessions, calls } = setUp();
    const { token } = await sessions.create({ userId: 'ann', views: 1 });
    const session = await open(sessions, token);
    session.data.theme = 'dark';
    calls.length = 0;
    expect(
      await session.update((data) => {
        data.views = 2;
      }),
    ).toEqual({ userId: 'ann', views: 2, theme: 'dark' });
    expect(session.data).toEqual({ userId: 'ann', views: 2, theme: 'dark' });
    await session.save();
    expect(calls).toEqual(['replace']);
  });

  test('invariant 3: data that is read for the first time while it runs does not undo it', async () => {
    const { sessions, calls } = setUp();
    const { token } = await sessions.create({ userId: 'ann', views: 1 });
    const session = await open(sessions, token);
    const update = session.update((data) => {
      data.views = 2;
    });
    expect(session.data.views).toBe(1);
    await update;
    calls.length = 0;
    await session.save();
    expect(calls).toEqual([]);
    expect((await open(sessions, token)).data.views).toBe(2);
  });

  test('writes nothing if it throws or changes nothing, and refuses an asynchronous function', async () => {
    const { sessions, calls } = setUp();
    const session = await sessions.create({ userId: 'ann' });
    calls.length = 0;
    await expect(session.update(() => Promise.reject(new Error('late')) as never)).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
    });
    await expect(
      session.update((data) => {
        data.views = 1;
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
    await session.update(() => {});
    expect(new Set(calls)).toEqual(new Set(['find']));
    expect(session.data).toEqual({ userId: 'ann' });
  });

  test('gives a function that changes nothing, or throws, the newest data too', async () => {
    const { sessions, sameStore } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann', views: 0 });
    const session = await open(sessions, token);
    const spend = (data: Data) => void Object.assign(data, data.views && { views: data.views - 1 });
    const orThrow = (data: Data) => {
      if (!data.views) throw new Error('none left');
      spend(data);
    };
    const add = async () => (await open(sameStore(), token)).update((data) => void Object.assign(data, { views: 2 }));
    await add();
    expect(await session.update(spend)).toMatchObject({ views: 1 });
    await session.update(spend);
    await add();
    expect(await session.update(orThrow)).toMatchObject({ views: 1 });
    await session.update(orThrow);
    await expect(session.update(orThrow)).rejects.toThrow('none left');
    await sameStore().destroy(id);
    await expect(session.update(spend)).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  test('refuses a function that returns new data instead of changing it, as a reducer does', async () => {
    const { sessions, calls } = setUp();
    const session = await sessions.create({ userId: 'ann', views: 1 });
    calls.length = 0;
    const asReducer = (data: Data) => ({ ...data, views: 2 });
    await expect(session.update(asReducer)).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining('in place'),
    });
    expect(new Set(calls)).toEqual(new Set(['find']));
    expect(session.data.views).toBe(1);
  });

  test('accepts a function that returns anything else, whether it changes the data or not', async () => {
    interface Tagged {
      views: number;
      tags: { name: string }[];
    }
    const session = await createSessions<Tagged>({ store: memoryStore() }).create({ views: 1, tags: [{ name: 'a' }] });
    const accepted: ((data: Tagged) => unknown)[] = [
      (data) => data,
      (data) => Object.assign(data, { views: 1 }),
      (data) => data.tags.find(({ name }) => name === 'a'),
      (data) => data.tags.sort(),
      (data) => new Set(data.tags),
      (data) => data.views,
      () => null,
    ];
    for (const change of accepted) expect(await session.update(change)).toEqual({ views: 1, tags: [{ name: 'a' }] });
    // It changes the data as well, so nothing is lost.
    expect(await session.update((data) => ({ last: data.tags.pop() }))).toEqual({ views: 1, tags: [] });
  });

  test('a failing update does not make concurrent ones fail', async () => {
    const { sessions } = setUp({ maxDataBytes: 200 });
    const session = await sessions.create({ userId: 'ann' });
    const outcomes = await Promise.allSettled([
      session.update((data) => {
        data.views = 1;
      }),
      session.update((data) => {
        data.theme = 'x'.repeat(300);
      }),
      session.update((data) => {
        data.cart = ['a'];
      }),
    ]);
    expect(outcomes.map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await open(sessions, session.token)).data).toEqual({ userId: 'ann', views: 1, cart: ['a'] });
  });

  test('invariant 8: writes that wait for each other become one', async () => {
    const { sessions, calls } = setUp();
    const session = await sessions.create({ userId: 'ann', views: 0 });
    calls.length = 0;
    const counts = await Promise.all(
      Array.from({ length: 50 }, () =>
        session.update((data) => {
          data.views = (data.views ?? 0) + 1;
        }),
      ),
    );
    expect(calls).toEqual(['replace']);
    // Each call still gets its own count.
    expect(counts.map(({ views }) => views)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    expect((await open(sessions, session.token)).data.views).toBe(50);
  });
});

describe('schema', () => {
  const versionOne = z.object({ userId: z.string(), views: z.number().default(0) });

  test("create takes the schema's input, and data is its output", async () => {
    const sessions = createSessions({ schema: versionOne });
    expect((await sessions.create({ userId: 'ann' })).data).toEqual({ userId: 'ann', views: 0 });
    await expect(sessions.create({ userId: 1 as never })).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining('data.userId'),
    });
  });

  test("an older schema's saves keep unknown fields; a migration on load is not a change", async () => {
    const store = memoryStore();
    const newer = createSessions<{ userId: string; plan?: string; views?: number }>({ store });
    const { token } = await newer.create({ userId: 'ann', plan: 'pro' });
    const older = createSessions({ store, schema: versionOne });
    const { session } = await older.fromToken(token);
    expect(session?.data).toEqual({ userId: 'ann', views: 0 });
    const before = await store.find(session?.id ?? '');
    await session?.save();
    expect(await store.find(session?.id ?? '')).toEqual(before);
    await session?.update((data) => {
      data.views += 1;
    });
    expect((await newer.fromToken(token)).session?.data).toEqual({ userId: 'ann', plan: 'pro', views: 1 });
  });

  test("the schema's output is written", async () => {
    const sessions = createSessions({ schema: z.object({ name: z.string().trim() }) });
    const session = await sessions.create({ name: ' ann ' });
    session.data.name = '  bob';
    await session.save();
    expect(session.data.name).toBe('bob');
    expect((await sessions.fromToken(session.token)).session?.data.name).toBe('bob');
  });

  test('invariant 3: of two valid saves whose union is invalid, the later is refused, and the session stays usable', async () => {
    const schema = z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('guest') }),
      z.strictObject({ kind: z.literal('user'), name: z.string() }),
    ]);
    const sessions = createSessions({ schema });
    const { token } = await sessions.create({ kind: 'user', name: 'ann' });
    const [a, b] = [(await sessions.fromToken(token)).session, (await sessions.fromToken(token)).session];
    if (!a || !b) throw new Error('no session');
    a.data = { kind: 'guest' };
    b.data = { kind: 'user', name: 'bob' };
    await a.save();
    await expect(b.save()).rejects.toMatchObject({ code: 'INVALID_DATA' });
    expect((await sessions.fromToken(token)).session?.data).toEqual({ kind: 'guest' });
  });

  test('asynchronous schemas are awaited', async () => {
    const schema = z.object({ userId: z.string().refine(async (id) => id !== 'banned') });
    const sessions = createSessions({ schema });
    const { token } = await sessions.create({ userId: 'ann' });
    expect((await sessions.fromToken(token)).session?.data).toEqual({ userId: 'ann' });
    await expect(sessions.create({ userId: 'banned' })).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });

  test('output that is not JSON is refused when it is about to be written', async () => {
    const sessions = createSessions({
      schema: z.object({ at: z.union([z.date(), z.string()]).transform((at) => new Date(at)) }),
    });
    await expect(sessions.create({ at: '2020-01-01' })).rejects.toThrow(/data\.at is a Date/);
  });

  test.each(['reject', 'anonymous'] as const)(
    'invariant 6: a stored record that the schema refuses follows onInvalidData %s',
    async (onInvalidData) => {
      const store = memoryStore();
      const { token, id } = await createSessions<{ userId: number }>({ store }).create({ userId: 7 });
      const strict = createSessions({ store, schema: versionOne, onInvalidData });
      const events: unknown[] = [];
      strict.on('invalid-data', (event) => events.push(event));
      const loading = strict.fromToken(token);
      if (onInvalidData === 'reject') await expect(loading).rejects.toMatchObject({ code: 'INVALID_DATA' });
      else expect((await loading).session).toBeNull();
      expect(events).toEqual([{ id, reason: expect.stringContaining('userId') }]);
      expect(await store.find(id)).not.toBeNull();
    },
  );
});

describe('visible values', () => {
  test('invariant 4: the token does not appear in enumeration, JSON or inspection', async () => {
    const { sessions } = setUp();
    const session = await sessions.create({ userId: 'ann' });
    const secret = session.token.slice(session.token.indexOf('.') + 1);
    expect(session.token).toContain(secret);
    for (const text of [
      JSON.stringify(session),
      inspect(session, { depth: 10, showHidden: true }),
      JSON.stringify({ ...session }),
      Object.keys(session).join(),
    ]) {
      expect(text).not.toContain(secret);
    }
    expect(JSON.parse(JSON.stringify(session))).toMatchObject({
      id: session.id,
      data: { userId: 'ann' },
      isNew: true,
    });
    expect((await open(sessions, session.token)).token).toBeUndefined();
  });

  test('owners cannot change', async () => {
    const { sessions } = setUp({ ownerOf: (data) => data.userId });
    const session = await sessions.create({ userId: 'ann' });
    session.data.userId = 'bob';
    await expect(session.save()).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining('owner'),
    });
    await expect(
      session.update((data) => {
        data.userId = 'eve';
      }),
    ).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
    ['returns a number', () => 7],
    ['returns an empty string', () => ''],
    ['returns null', () => null],
  ])('INVALID_DATA names an ownerOf that %s', async (_name, ownerOf) => {
    const sessions = createSessions<Data>({ ownerOf: ownerOf as () => string });
    await expect(sessions.create({ userId: 'ann' })).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining('ownerOf'),
    });
  });
});
