import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { hostOf } from '../../src/http/host.js';
import { bearer, cookie, createSessions, header, memoryStore } from '../../src/index.js';
import { expressLegacy } from '../../src/stores/express-store/index.js';
import { callbackStore } from '../support/callback-store.js';
import { setUp, TOKEN } from './legacy-support.js';

describe('if the new token cannot be written', () => {
  test('the session still moves, and a later answer carries the token', async () => {
    const { open, request, login, old } = setUp();
    const sessions = open();
    login();
    const upgrade = {
      key: undefined,
      headers: { 'x-auth_token': TOKEN },
      persistent: true,
      target: { kind: 'none' },
    } as const;
    const socket = hostOf(sessions).open(upgrade);
    const call = socket.open({ hasOutcome: true });
    expect(await call.sessions.load()).toMatchObject({ data: { userId: 'ann' } });
    expect(old.sessions.size).toBe(0);
    call.end();
    const { offered } = await request(TOKEN, sessions);
    expect(offered).toMatch(/^ts_/);
    expect((await request(offered ?? '', sessions)).session).not.toBeNull();
    // The socket continues: the token that it came with was good, and is in its grace.
    expect(await socket.open({ hasOutcome: true }).sessions.load()).toMatchObject({ data: { userId: 'ann' } });
  });

  test('a source that only reads continues with the old token, until the application issues another', async () => {
    const { open, request, login, old } = setUp();
    const sessions = open({ sources: [header('X-AUTH_TOKEN', { legacy: expressLegacy(old) })] });
    login();
    const { session, offered } = await request(TOKEN, sessions);
    expect(offered).toBeNull();
    const token = await session?.rotate();
    expect((await request(token ?? '', sessions)).session?.data.userId).toBe('ann');
  });
});

describe('invariant 6: an outage of the old store', () => {
  test('is 503, not a logout, and leaves everything unchanged', async () => {
    const { request, login, old, events } = setUp();
    login();
    old.before = () => Promise.reject(new Error('down'));
    await expect(request(TOKEN)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(events.some((event) => event.startsWith('store-error'))).toBe(true);
    old.before = undefined;
    expect((await request(TOKEN)).session?.data.userId).toBe('ann');
  });

  test('does not affect sessions that have moved', async () => {
    const { request, login, old } = setUp();
    login();
    await request(TOKEN);
    old.before = () => Promise.reject(new Error('down'));
    expect((await request(TOKEN)).session?.data.userId).toBe('ann');
  });

  test('is anonymous if onStoreError says so', async () => {
    const { open, request, login, old } = setUp();
    login();
    old.before = () => Promise.reject(new Error('down'));
    expect((await request(TOKEN, open({ onStoreError: 'anonymous' }))).session).toBeNull();
  });
});

describe('tokens of express-session, in a signed cookie', () => {
  const SECRET = 'keyboard cat';
  const sign = (sid: string, secret = SECRET) =>
    `s:${sid}.${createHmac('sha256', secret).update(sid).digest('base64').replace(/=+$/, '')}`;
  const SID = 'dWv1Y6yTcSVxtsYYJZ_ZuB-ldKP1NHWK';

  function setUpCookies(secret: string | string[] = SECRET) {
    const old = callbackStore();
    old.sessions.set(
      SID,
      JSON.stringify({ cookie: { originalMaxAge: null, expires: null, httpOnly: true, path: '/' }, userId: 'ann' }),
    );
    const source = cookie('connect.sid', { legacy: expressLegacy(old, { secret }) });
    const sessions = createSessions<{ userId: string }>({ store: memoryStore(), sources: [source] });
    const request = async (value: string, more: Record<string, string> = {}, method = 'GET') => {
      const context = await sessions.fromHeaders(
        { cookie: `a=b; connect.sid=${encodeURIComponent(value)}`, ...more },
        { method },
      );
      return { session: context.session, setCookie: context.sessions.responseHeaders.getSetCookie() };
    };
    return { old, sessions, request };
  }

  test('the cookie opens the session, and is replaced', async () => {
    const { old, request } = setUpCookies();
    const { session, setCookie } = await request(sign(SID));
    expect(session?.data).toEqual({ userId: 'ann' });
    expect(setCookie).toEqual([
      expect.stringMatching(/^connect\.sid=ts_[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/),
    ]);
    expect(old.sessions.size).toBe(0);
    const token = setCookie[0]?.slice('connect.sid='.length).split(';')[0];
    expect((await request(token ?? '')).session?.data).toEqual({ userId: 'ann' });
  });

  test.each([
    ['the id without a signature', SID],
    ['a signature that is not there', `s:${SID}`],
    ['an empty one', `s:${SID}.`],
    ['another secret’s', sign(SID, 'other')],
    ['another id’s', `s:${SID}${sign('x').slice(3)}`],
    ['a part of one', sign(SID).slice(0, -1)],
    ['a longer one', `${sign(SID)}x`],
    ['one with padding', `${sign(SID)}=`],
    ['one without the mark', sign(SID).slice(2)],
    ['an empty id', sign('')],
    ['what is too long for a cookie', sign('x'.repeat(5_000))],
  ])('invariant 8: %s opens nothing, and makes no store call', async (_name, value) => {
    const { old, request } = setUpCookies();
    expect((await request(value)).session).toBeNull();
    expect(old.calls).toEqual([]);
  });

  test('every secret is accepted, and the session is the same under each', async () => {
    const { request } = setUpCookies(['new', 'old']);
    const { session } = await request(sign(SID, 'old'));
    expect(session?.data).toEqual({ userId: 'ann' });
    expect((await request(sign(SID, 'new'))).session?.id).toBe(session?.id);
    expect((await request(sign(SID, 'other'))).session).toBeNull();
  });

  test('another site’s request does not count, and does not move anything', async () => {
    const { old, request } = setUpCookies();
    expect((await request(sign(SID), { 'sec-fetch-site': 'cross-site' }, 'POST')).session).toBeNull();
    expect(old.calls).toEqual([]);
  });

  test('a bare id in a header with the ancestor’s tokens does not open a moved session', async () => {
    const { old, sessions } = setUpCookies();
    const both = createSessions<{ userId: string }>({
      store: memoryStore(),
      sources: [
        cookie('connect.sid', { legacy: expressLegacy(old, { secret: SECRET }) }),
        header('X-Auth', { legacy: expressLegacy(callbackStore()) }),
      ],
    });
    await both.fromHeaders({ cookie: `connect.sid=${encodeURIComponent(sign(SID))}` }, { method: 'GET' });
    expect(await both.count()).toBe(1);
    for (const text of [SID, `signed:${SID}`, `s:${SID}`])
      expect((await both.fromHeaders({ 'x-auth': text })).session).toBeNull();
    await sessions.close();
  });
});

describe('bad input', () => {
  test.each([
    '../../etc/passwd',
    'a/b',
    'a\\b',
    'C:\\x',
    'a b',
    'é',
    '%2e%2e',
    '*',
    '__proto__',
    'constructor',
    'toString',
    'x'.repeat(257),
    '019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b',
  ])('invariant 8: %j is not an old token, and makes no store call', async (text) => {
    const { request, old, login } = setUp();
    login({ userId: 'x' }, text);
    expect((await request(text)).session).toBeNull();
    expect(old.calls).toEqual([]);
  });

  test('the application’s own kind of token, which the ancestor accepts, is accepted', async () => {
    const { request, login } = setUp();
    for (const token of ['thisIsMyToken__', 'ts_019a1b2c', 'user:7=', '3e1f0d4c-9a8b-4c7d-8e6f-5a4b3c2d1e0f']) {
      login({ userId: token }, token);
      expect((await request(token)).session?.data.userId).toBe(token);
    }
  });

  test('a record of this library in the old store is not an old session', async () => {
    const { request, old, sessions } = setUp();
    old.sessions.set(TOKEN, JSON.stringify({ cookie: {}, userId: 'ann', __tokenSession: {} }));
    expect((await request(TOKEN)).session).toBeNull();
    expect([await sessions.count(), old.sessions.size]).toEqual([0, 1]);
  });

  test.each<[string, () => unknown]>([
    ['no store', () => expressLegacy({} as never)],
    ['an empty secret', () => expressLegacy(callbackStore(), { secret: '' })],
    ['no secrets', () => expressLegacy(callbackStore(), { secret: [] })],
    ['a secret that is no text', () => expressLegacy(callbackStore(), { secret: [7 as never] })],
    ['a timeout that is none', () => expressLegacy(callbackStore(), { callbackTimeout: 'soon' as never })],
    [
      'a source whose legacy is a store',
      () => createSessions({ store: memoryStore(), sources: [header('x', { legacy: callbackStore() as never })] }),
    ],
    ['a legacy of null', () => createSessions({ sources: [{ ...bearer(), legacy: null as never }] })],
    [
      'a legacy without a scheme',
      () =>
        createSessions({
          store: memoryStore(),
          sources: [header('x', { legacy: { ...expressLegacy(callbackStore()), scheme: undefined as never } })],
        }),
    ],
  ])('%s is INVALID_OPTION', (_name, make) => {
    expect(make).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
