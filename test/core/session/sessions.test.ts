import { describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { type Data, open, setUp } from './support/sessions.js';

test('a session is new only for the code that has created it', async () => {
  const { sessions } = setUp();
  const created = await sessions.create({ userId: 'ann' });
  const [found, opened] = [await sessions.find(created.id), await open(sessions, created.token)];
  expect([created.isNew, found?.isNew, opened.isNew]).toEqual([true, false, false]);
});

describe('load', () => {
  test('invariant 1: a client never chooses an id: unknown and malformed tokens are anonymous and create nothing', async () => {
    const { sessions, store } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    await store.clear();
    for (const text of [token, `${token.slice(0, -1)}B`, 'x', '']) {
      expect((await sessions.fromToken(text)).session).toBeNull();
      expect((await sessions.fromHeaders({ authorization: `Bearer ${text}` })).session).toBeNull();
    }
    expect(await store.count()).toBe(0);
  });

  test('invariant 8: anonymous requests make no store call, a read makes one, and only a change makes another', async () => {
    const { sessions, calls } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const spent = async (run: () => Promise<unknown>) => {
      calls.length = 0;
      await run();
      return [...calls];
    };
    expect(await spent(() => sessions.fromHeaders({}))).toEqual([]);
    expect(await spent(() => sessions.fromHeaders({ authorization: 'Basic YTpi' }))).toEqual([]);
    expect(await spent(() => sessions.fromHeaders({ authorization: `Bearer ${token}, Bearer ${token}` }))).toEqual([]);
    expect(await spent(() => sessions.fromToken(token))).toEqual(['find']);
    expect(await spent(async () => (await open(sessions, token)).save())).toEqual(['find']);
    const change = async () => {
      const session = await open(sessions, token);
      session.data.theme = 'dark';
      await session.save();
    };
    expect(await spent(change)).toEqual(['find', 'replace']);
    expect(await spent(change)).toEqual(['find']);
    expect(await spent(async () => (await sessions.fromToken(token)).sessions.load())).toEqual(['find']);
    expect(await spent(async () => (await open(sessions, token)).destroy())).toEqual(['find', 'delete']);
    expect(await spent(() => sessions.create({ userId: 'ann' }))).toEqual(['insert']);
  });

  test('a token with a known id and a wrong secret is anonymous', async () => {
    const { sessions } = setUp();
    const a = await sessions.create({ userId: 'ann' });
    const b = await sessions.create({ userId: 'bob' });
    const forged = a.token.slice(0, a.token.indexOf('.')) + b.token.slice(b.token.indexOf('.'));
    expect((await sessions.fromToken(forged)).session).toBeNull();
  });

  test('invariant 8: activity is written once per touchInterval, however many requests there are', async () => {
    const { sessions, calls, clock } = setUp({ touchInterval: '1m', idleTimeout: '1h' });
    const { token } = await sessions.create({ userId: 'ann' });
    for (let second = 0; second < 180; second += 1) {
      clock.now += 1_000;
      await Promise.all([sessions.fromToken(token), sessions.fromToken(token), sessions.fromToken(token)]);
    }
    expect(calls.filter((call) => call === 'touch')).toHaveLength(3);
    expect(calls).not.toContain('replace');
  });
});

describe('deadlines', () => {
  test('invariant 7: an idle session ends exactly to the millisecond', async () => {
    const { sessions, clock } = setUp({ idleTimeout: '1h', touchInterval: '10m' });
    const { token } = await sessions.create({ userId: 'ann' });
    clock.now += 3_600_000 - 1;
    expect((await sessions.find(idOf(token)))?.expiresAt).toBe(clock.now + 1);
    clock.now += 1;
    expect((await sessions.fromToken(token)).session).toBeNull();
  });

  test('invariant 7: use moves the idle deadline, but not the absolute one', async () => {
    const { sessions, clock } = setUp({ idleTimeout: '1h', absoluteTimeout: '2h', touchInterval: 0 });
    const created = await sessions.create({ userId: 'ann' });
    clock.now += 3_000_000;
    expect((await open(sessions, created.token)).expiresAt).toBe(clock.now + 3_600_000);
    clock.now += 3_000_000;
    expect((await open(sessions, created.token)).expiresAt).toBe(created.createdAt + 7_200_000);
    clock.now = created.createdAt + 7_200_000 - 1;
    expect((await sessions.fromToken(created.token)).session).not.toBeNull();
    clock.now += 1;
    expect((await sessions.fromToken(created.token)).session).toBeNull();
  });

  test('invariant 7: tightened limits apply to existing sessions', async () => {
    const { sessions, clock, store } = setUp({ idleTimeout: '7d' });
    const { token } = await sessions.create({ userId: 'ann' });
    const strict = createSessions<Data>({ store, now: () => clock.now, idleTimeout: '1h', absoluteTimeout: '2h' });
    expect((await open(strict, token)).expiresAt).toBe(clock.now + 3_600_000);
    clock.now += 3_600_000;
    expect((await strict.fromToken(token)).session).toBeNull();
    expect((await sessions.fromToken(token)).session).not.toBeNull();
  });

  test('a look-up by the server is not activity', async () => {
    const { sessions, clock } = setUp({ idleTimeout: '1h', touchInterval: 0 });
    const { id } = await sessions.create({ userId: 'ann' });
    clock.now += 1_000;
    const found = await sessions.find(id);
    await found?.update((data) => {
      data.views = 1;
    });
    expect((await sessions.find(id))?.lastActiveAt).toBe(clock.now - 1_000);
    expect((await sessions.find(id))?.expiresAt).toBe(clock.now - 1_000 + 3_600_000);
  });

  test('touch is written when it is due, and otherwise asks the store', async () => {
    const { sessions, clock, calls } = setUp({ idleTimeout: '1h', touchInterval: '1m' });
    const session = await sessions.create({ userId: 'ann' });
    calls.length = 0;
    await session.touch();
    expect(calls).toEqual(['find']);
    clock.now += 60_000;
    await session.touch();
    expect(calls).toEqual(['find', 'touch']);
    expect(session.lastActiveAt).toBe(clock.now);
    await sessions.destroy(session.id);
    await expect(session.touch()).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  test('a stale deadline does not end a session: others may have moved it', async () => {
    const { sessions, clock } = setUp({ idleTimeout: '1h', touchInterval: 0 });
    const { token } = await sessions.create({ userId: 'ann' });
    const slow = await open(sessions, token);
    clock.now += 3_000_000;
    await open(sessions, token);
    clock.now += 3_000_000;
    slow.data.theme = 'dark';
    await slow.save();
    expect((await open(sessions, token)).data.theme).toBe('dark');
    clock.now += 3_600_000;
    slow.data.theme = 'light';
    await expect(slow.save()).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });
});

describe('save', () => {
  test('invariant 3: concurrent saves of different fields all survive, including deletions and arrays', async () => {
    const { sessions, sameStore } = setUp();
    const { token } = await sessions.create({ userId: 'ann', theme: 'dark', cart: ['a'] });
    const [a, b, c] = [await open(sessions, token), await open(sameStore(), token), await open(sameStore(), token)];
    a.data.views = 1;
    delete b.data.theme;
    c.data.cart = ['b', 'c'];
    await Promise.all([a.save(), b.save(), c.save()]);
    expect((await open(sessions, token)).data).toEqual({ userId: 'ann', views: 1, cart: ['b', 'c'] });
  });

  test('invariant 3: the later save of one field wins, and others’ fields appear in the draft', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const [a, b] = [await open(sessions, token), await open(sessions, token)];
    a.data.theme = 'dark';
    a.data.views = 1;
    await a.save();
    b.data.theme = 'light';
    await b.save();
    expect(b.data).toEqual({ userId: 'ann', views: 1, theme: 'light' });
    expect((await open(sessions, token)).data.theme).toBe('light');
  });

  test('an object that the caller holds stays part of the draft after a save', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann', cart: [] });
    const session = await open(sessions, token);
    const { data } = session;
    const cart = data.cart ?? [];
    cart.push('a');
    await session.save();
    cart.push('b');
    data.views = 2;
    await session.save();
    expect((await open(sessions, token)).data).toEqual({ userId: 'ann', cart: ['a', 'b'], views: 2 });
  });

  test('a change made during a save is kept for the next one', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const session = await open(sessions, token);
    session.data.theme = 'dark';
    const saving = session.save();
    session.data.views = 5;
    await saving;
    expect(session.data).toEqual({ userId: 'ann', theme: 'dark', views: 5 });
    await session.save();
    expect((await open(sessions, token)).data.views).toBe(5);
  });

  test('the data can be assigned as a whole, and need not be an object', async () => {
    const sessions = createSessions<unknown>({});
    const { token } = await sessions.create([1, 2]);
    const { session } = await sessions.fromToken(token);
    if (session) session.data = 'text';
    await session?.save();
    expect((await sessions.fromToken(token)).session?.data).toBe('text');
    await session?.update(() => {});
    if (session) session.data = { a: 1 };
    await session?.save();
    if (session) session.data = { a: 1, b: 2 };
    await session?.save();
    expect((await sessions.fromToken(token)).session?.data).toEqual({ a: 1, b: 2 });
  });

  test('invariant 2: a save, update, touch and rotate of an ended session write nothing', async () => {
    const { sessions, store } = setUp({ touchInterval: 0 });
    const { token, id } = await sessions.create({ userId: 'ann' });
    const session = await open(sessions, token);
    session.data.theme = 'dark';
    await sessions.destroy(id);
    for (const write of [
      () => session.save(),
      () => session.update(() => {}),
      () => session.touch(),
      () => session.rotate(),
      () => session.reload(),
    ]) {
      await expect(write()).rejects.toMatchObject({ code: 'SESSION_GONE' });
    }
    expect(await store.count()).toBe(0);
  });

  test('data that is not JSON or too large is refused, and loses nothing', async () => {
    const { sessions } = setUp({ maxDataBytes: 100 });
    const { token } = await sessions.create({ userId: 'ann' });
    const session = await open(sessions, token);
    session.data.theme = 'é'.repeat(60);
    await expect(session.save()).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining('maxDataBytes (100)'),
    });
    session.data.theme = new Date(0) as never;
    await expect(session.save()).rejects.toThrow(/data\.theme is a Date/);
    await expect(
      session.update((data) => {
        data.views = Number.NaN;
      }),
    ).rejects.toThrow(/data\.theme is a Date/);
    session.data.theme = 'ok';
    await session.save();
    expect((await open(sessions, token)).data).toEqual({ userId: 'ann', theme: 'ok' });
    await expect(sessions.create({ userId: 'x'.repeat(100) })).rejects.toMatchObject({ code: 'INVALID_DATA' });
  });

  test('reload drops unsaved changes', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann', theme: 'dark' });
    const session = await open(sessions, token);
    session.data.theme = 'light';
    await (await open(sessions, token)).update((data) => {
      data.views = 1;
    });
    await session.reload();
    expect(session.data).toEqual({ userId: 'ann', theme: 'dark', views: 1 });
  });
});

function idOf(token: string): string {
  return token.slice('ts_'.length, token.indexOf('.'));
}

test('assigning undefined to the data is refused', async () => {
  const { sessions } = setUp();
  const session = await sessions.create({ userId: 'ann' });
  session.data = undefined as never;
  await expect(session.save()).rejects.toMatchObject({
    code: 'INVALID_DATA',
    message: expect.stringContaining('undefined'),
  });
  await session.reload();
  expect(session.data).toEqual({ userId: 'ann' });
});

test('close waits for logins and logouts under way, as for saves', async () => {
  const store = countingStore();
  const sessions = createSessions({ store });
  const { id } = await sessions.create({ userId: 'ann' });
  store.before = () => new Promise((resolve) => setTimeout(resolve, 20));
  const done: string[] = [];
  void sessions.create({ userId: 'bob' }).then(() => done.push('login'));
  void sessions.destroy(id).then(() => done.push('logout'));
  await sessions.close();
  expect(done.sort()).toEqual(['login', 'logout']);
});
