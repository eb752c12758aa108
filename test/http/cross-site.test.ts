import { describe, expect, test } from 'vitest';
import { bearer, cookie, createSessions, header, memoryStore, type TokenSource } from '../../src/index.js';

interface Data {
  userId: string;
}

function app(sources: TokenSource[] = [cookie()]) {
  const store = memoryStore();
  return { store, sessions: createSessions<Data>({ store, sources, rotateEvery: 1_800_000 }) };
}

const ELSEWHERE = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test', host: 'app.test' };
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

type Request = [what: string, headers: Record<string, string>, method: string | undefined, url?: string];

const FORGED: Request[] = [
  ['a form on another site', { ...ELSEWHERE, 'content-type': 'application/x-www-form-urlencoded' }, 'POST'],
  ['a script of another site', ELSEWHERE, 'DELETE'],
  ['a subdomain', { 'sec-fetch-site': 'same-site', origin: 'https://x.app.test', host: 'app.test' }, 'POST'],
  ['a sandboxed frame', { origin: 'null', host: 'app.test' }, 'POST'],
  ['an older browser', { origin: 'https://evil.test', host: 'app.test' }, 'POST'],
  ['another port', { origin: 'https://app.test', host: 'app.test:80' }, 'POST'],
  ['a Host that is no host', { origin: 'https://evil.test', host: 'app.test@evil.test' }, 'POST'],
  ['a post whose method is not known', { ...ELSEWHERE, ...NAVIGATION, 'content-length': '7' }, undefined],
];

const HONEST: Request[] = [
  ['a client that is no browser', {}, 'POST'],
  [
    "the application's own page",
    { 'sec-fetch-site': 'same-origin', origin: 'https://app.test', host: 'app.test' },
    'POST',
  ],
  ['a link, or a redirect from an identity provider', { ...ELSEWHERE, ...NAVIGATION }, 'GET'],
  ['a link, where the method is not known', { 'sec-fetch-site': 'cross-site', ...NAVIGATION }, undefined],
  ['an older browser over HTTP/2', { origin: 'https://app.test', ':authority': 'app.test' }, 'POST'],
  ['an older browser behind a proxy that adds the port', { origin: 'https://app.test', host: 'App.test:443' }, 'POST'],
  ['a browser on an IPv6 address', { origin: 'http://[::1]:3000', host: '[0:0:0:0:0:0:0:1]:3000' }, 'POST'],
  ['a Fetch request without Host', { origin: 'https://app.test' }, 'POST', 'https://app.test/login'],
];

describe('rule 25: a login by cookie', () => {
  test.each(FORGED)('%s is refused before anything is inserted', async (_what, headers, method) => {
    const { sessions, store } = app();
    const { sessions: current } = await sessions.fromHeaders(headers, { method });
    await expect(current.create({ userId: 'mallory' })).rejects.toMatchObject({ code: 'CROSS_SITE', status: 403 });
    expect(await store.count()).toBe(0);
    expect(current.responseHeaders.getSetCookie()).toEqual([]);
  });

  test.each(HONEST)('%s logs in', async (_what, headers, method, url) => {
    const { sessions } = app();
    const { sessions: current } = await sessions.fromHeaders(headers, { method, url });
    await current.create({ userId: 'ann' });
    expect(current.responseHeaders.getSetCookie()).toHaveLength(1);
  });

  test('a Fetch request of an older browser is recognised, though Fetch refuses the name `:authority`', async () => {
    const { sessions } = app();
    const login = async (origin: string) => {
      const { sessions: current } = await sessions.fromHeaders(new Headers({ origin }), {
        method: 'POST',
        url: 'https://app.test/login',
      });
      return current.create({ userId: 'ann' });
    };
    expect((await login('https://app.test')).token).toMatch(/^ts_/);
    await expect(login('https://evil.test')).rejects.toMatchObject({ code: 'CROSS_SITE' });
  });

  test('a trusted origin logs in, and the message of a refusal names the option', async () => {
    const { sessions } = app([cookie('sid', { csrf: { trustedOrigins: ['https://idp.test'] } })]);
    const saml = await sessions.fromHeaders({ ...ELSEWHERE, origin: 'https://idp.test' }, { method: 'POST' });
    await saml.sessions.create({ userId: 'ann' });
    const other = await sessions.fromHeaders(ELSEWHERE, { method: 'POST' });
    await expect(other.sessions.create({ userId: 'mallory' })).rejects.toThrow('csrf.trustedOrigins');
  });

  test("with sameSite 'none', a frame or an image of another site cannot log in", async () => {
    const { sessions } = app([cookie('sid', { sameSite: 'none' })]);
    const image = await sessions.fromHeaders(
      { ...ELSEWHERE, 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { method: 'GET' },
    );
    await expect(image.sessions.create({ userId: 'mallory' })).rejects.toMatchObject({ code: 'CROSS_SITE' });
    const link = await sessions.fromHeaders({ ...ELSEWHERE, ...NAVIGATION }, { method: 'GET' });
    await link.sessions.create({ userId: 'ann' });
  });

  test.each([
    ['bearer()', [bearer()]],
    ['a header', [header('x-auth-token', { respond: true })]],
  ] as const)('%s writes no cookie, and is not checked', async (_what, sources) => {
    const { sessions } = app([...sources]);
    const { sessions: current } = await sessions.fromHeaders(ELSEWHERE, { method: 'POST' });
    expect((await current.create({ userId: 'ann' })).token).toMatch(/^ts_/);
  });
});
