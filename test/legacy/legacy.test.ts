import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { bearer, createSessions, header, type memoryStore } from '../../src/index.js';
import { expressLegacy } from '../../src/stores/express-store/index.js';
import { DAY, setUp, TOKEN } from './legacy-support.js';

describe('the old token', () => {
  test('opens its session, which moves to the new store, and the answer has a new token', async () => {
    const { request, login, old, sessions, events } = setUp();
    login();
    const { session, handle, offered } = await request(TOKEN);
    expect(session?.data).toEqual({ userId: 'ann', views: 2 });
    expect(offered).toMatch(/^ts_/);
    expect(handle.responseHeaders.get('cache-control')).toBe('no-store');
    expect(old.sessions.size).toBe(0);
    expect(await sessions.count()).toBe(1);
    const id = session?.id;
    expect(events).toEqual([`migrated {"id":"${id}"}`, `rotated {"id":"${id}","reason":"pending"}`]);
    const next = await request(offered ?? '');
    expect(next.session?.id).toBe(id);
    expect(next.offered).toBeNull();
  });

  test('rule 21: is valid until the new one is used, and then for the grace', async () => {
    const { request, login, clock, events } = setUp();
    login();
    const { offered } = await request(TOKEN);
    clock.now += 60_000;
    expect((await request(TOKEN)).session?.data.userId).toBe('ann');
    expect((await request(offered ?? '')).session).not.toBeNull();
    clock.now += 9_999;
    const inGrace = await request(TOKEN);
    expect([inGrace.session?.data.userId, inGrace.offered]).toEqual(['ann', null]);
    clock.now += 1;
    expect((await request(TOKEN)).session).toBeNull();
    expect(events.at(-1)).not.toMatch(/^reuse-detected/);
    // Rule 23: a minute of clock skew is honest.
    clock.now += 60_000;
    expect((await request(TOKEN)).session).toBeNull();
    expect(events.at(-1)).toMatch(/^reuse-detected/);
  });

  test('is served if its answers are lost, and every answer carries the same new token', async () => {
    const { request, login, clock, events } = setUp();
    login();
    const first = (await request(TOKEN)).offered;
    clock.now += DAY;
    expect((await request(TOKEN)).offered).toBe(first);
    expect((await request(first ?? '')).session?.data.userId).toBe('ann');
    expect(events.filter((event) => event.startsWith('rotated'))).toHaveLength(1);
  });

  test('rule 21: the move is the first rotation: a rotating application gets the token that the answer offers', async () => {
    const { request, login } = setUp();
    login();
    const { session, offered } = await request(TOKEN);
    expect(await session?.rotate()).toBe(offered);
    expect((await request(TOKEN)).offered).toBe(offered);
    expect((await request(offered ?? '')).session?.data.userId).toBe('ann');
  });

  test('does not reveal the new token alone, and neither does the store', async () => {
    const tokens = await Promise.all(
      [0, 1].map(async () => {
        const { request, login } = setUp();
        login();
        return (await request(TOKEN)).offered;
      }),
    );
    expect(new Set(tokens).size).toBe(2);
  });

  test('is invalid after a logout with either token', async () => {
    const { request, login, sessions } = setUp();
    for (const withOld of [true, false]) {
      login();
      const { offered } = await request(TOKEN);
      await (await request(withOld ? TOKEN : (offered ?? ''))).session?.destroy();
      expect((await request(TOKEN)).session).toBeNull();
      expect((await request(offered ?? '')).session).toBeNull();
      expect(await sessions.count()).toBe(0);
    }
  });

  test('of no session is anonymous, creates nothing and is not echoed', async () => {
    const { request, sessions, old, events } = setUp();
    const { session, offered } = await request(TOKEN);
    expect([session, offered]).toEqual([null, null]);
    expect([await sessions.count(), old.sessions.size, events]).toEqual([0, 0, []]);
  });

  test('also works alone, as with fromToken', async () => {
    const { sessions, login } = setUp();
    login();
    const context = await sessions.fromToken(TOKEN);
    expect(context.session?.data.userId).toBe('ann');
    expect(context.sessions.responseHeaders.get('x-auth_token')).toMatch(/^ts_/);
  });

  test('is ignored beside a new token in another source', async () => {
    const { open, login, old } = setUp();
    login();
    const sessions = open({ sources: [header('X-AUTH_TOKEN', { legacy: expressLegacy(old) }), bearer()] });
    const { token } = await sessions.create({ userId: 'bob' });
    const { session } = await sessions.fromHeaders({ 'x-auth_token': TOKEN, authorization: `Bearer ${token}` });
    expect(session?.data.userId).toBe('bob');
    expect(old.calls).toEqual([]);
  });

  test('on a request that logs in again is moved, and its session ends like any replaced one', async () => {
    const { request, login, old, sessions, events } = setUp();
    login();
    const { handle, session } = await request(TOKEN);
    const created = await handle.create({ userId: 'bob' });
    expect((await request(TOKEN)).session).toBeNull();
    expect((await request(created.token)).session?.data.userId).toBe('bob');
    expect([await sessions.count(), old.sessions.size]).toEqual([1, 0]);
    expect(events).toContain(`destroyed {"id":"${session?.id}","reason":"replaced"}`);
  });
});

describe('a moved session', () => {
  test("ends when the old cookie would have ended, or earlier by the library's limits", async () => {
    const { request, login, clock } = setUp();
    const in1Day = new Date(clock.now + DAY).toISOString();
    login({ userId: 'ann', cookie: { originalMaxAge: DAY, expires: in1Day, httpOnly: true, path: '/' } }, 'one');
    login({ userId: 'bob', cookie: { originalMaxAge: null, expires: null } }, 'two');
    login({ userId: 'cid', cookie: { expires: new Date(clock.now + 300 * DAY) } }, 'three');
    const one = (await request('one')).session;
    expect([one?.expiresAt, one?.data]).toEqual([clock.now + DAY, { userId: 'ann' }]);
    for (const token of ['two', 'three']) expect((await request(token)).session?.expiresAt).toBe(clock.now + 7 * DAY);
    clock.now += DAY - 1;
    // Use moves the deadline, as for every session.
    expect((await request('one')).session?.expiresAt).toBe(clock.now + 7 * DAY);
  });

  test('must not have ended: a session past its cookie is anonymous', async () => {
    const { request, login, clock, sessions, old } = setUp();
    login({ userId: 'ann', cookie: { expires: new Date(clock.now).toISOString() } });
    expect((await request(TOKEN)).session).toBeNull();
    expect([await sessions.count(), old.sessions.size]).toEqual([0, 1]);
  });

  test('is not fresh, because its user logged in some time ago', async () => {
    const { request, login } = setUp();
    login();
    const { session, offered } = await request(TOKEN);
    expect(session?.authenticatedAt).toBe(0);
    expect((await request(offered ?? '')).session?.authenticatedAt).toBe(0);
  });

  test('passes the schema, which adds defaults; unknown fields survive', async () => {
    const { old, login, store } = setUp();
    const sources = [header('X-AUTH_TOKEN', { respond: true, legacy: expressLegacy(old) })];
    const schema = z.object({ userId: z.string(), theme: z.string().default('light') });
    const sessions = createSessions({ store, schema, sources });
    login({ userId: 'ann', other: [1] });
    const { session } = await sessions.fromHeaders({ 'x-auth_token': TOKEN });
    expect(session?.data).toEqual({ userId: 'ann', theme: 'light' });
    const unchecked = createSessions<object>({ store, sources });
    expect((await unchecked.find(session?.id ?? ''))?.data).toEqual({ userId: 'ann', other: [1] });
  });

  test('is INVALID_DATA with an event if the schema refuses it, and the old session stays', async () => {
    const { old, login, store } = setUp();
    const sources = [header('X-AUTH_TOKEN', { respond: true, legacy: expressLegacy(old) })];
    const schema = z.object({ userId: z.number() });
    const events: unknown[] = [];
    login();
    for (const onInvalidData of ['reject', 'anonymous'] as const) {
      const sessions = createSessions({ store, schema, sources, onInvalidData });
      sessions.on('invalid-data', (event) => events.push(event));
      const opened = sessions.fromHeaders({ 'x-auth_token': TOKEN });
      if (onInvalidData === 'reject') await expect(opened).rejects.toMatchObject({ code: 'INVALID_DATA' });
      else expect((await opened).session).toBeNull();
    }
    expect(events).toHaveLength(2);
    expect([await store.count(), old.sessions.size]).toEqual([0, 1]);
  });

  test.each([['"text"'], ['[1]'], ['7'], ['{"cookie":{"expires":"tomorrow"}}']])(
    'is INVALID_DATA if it is not a session: %s',
    async (text) => {
      const { request, old, events } = setUp();
      old.sessions.set(TOKEN, text);
      await expect(request(TOKEN)).rejects.toMatchObject({ code: 'INVALID_DATA' });
      expect(events).toEqual([expect.stringMatching(/^invalid-data /)]);
      expect(old.sessions.size).toBe(1);
    },
  );

  test('belongs to its account', async () => {
    const { open, request, login } = setUp();
    const sessions = open({ ownerOf: (data) => data.userId, maxPerOwner: undefined });
    login();
    const { offered } = await request(TOKEN, sessions);
    expect(await sessions.listFor('ann')).toHaveLength(1);
    expect(await sessions.destroyFor('ann')).toBe(1);
    for (const token of [TOKEN, offered ?? '']) expect((await request(token, sessions)).session).toBeNull();
  });
});

test('invariant 4: the old token is in no record, event, log or error', async () => {
  const { open, request, login, old, store, events, logged } = setUp();
  const written: string[] = [];
  const sessions = open({
    store: {
      ...bindAll(store),
      insert: (record, ttl) => {
        written.push(JSON.stringify(record));
        return store.insert(record, ttl);
      },
      replace: (record, version, ttl) => {
        written.push(JSON.stringify(record));
        return store.replace(record, version, ttl);
      },
    },
  });
  const errors: unknown[] = [];
  login();
  old.before = (verb, sid) => {
    throw Object.assign(new Error(`${verb} of ${sid} failed`), { path: sid, code: 'EIO' });
  };
  await request(TOKEN, sessions).catch((error: unknown) => errors.push(error));
  old.before = undefined;
  old.sessions.set(TOKEN, `"${TOKEN}"`);
  await request(TOKEN, sessions).catch((error: unknown) => errors.push(error));
  login();
  const { handle, session } = await request(TOKEN, sessions);
  await session?.save();
  expect(errors).toHaveLength(2);
  expect(written.length).toBeGreaterThan(2);
  expect(logged.join()).toContain('EIO');
  const seen = [
    written,
    events,
    logged,
    inspect([errors, handle, session], { depth: 9, showHidden: true }),
    JSON.stringify([session, handle]),
  ];
  expect(seen.flat().join('\n')).not.toContain(TOKEN);
});

function bindAll(store: ReturnType<typeof memoryStore>) {
  return { find: store.find.bind(store), delete: store.delete.bind(store), count: store.count.bind(store) };
}
