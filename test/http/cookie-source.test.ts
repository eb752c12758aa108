import { describe, expect, test } from 'vitest';
import { bearer, cookie, createSessions, requireSession } from '../../src/index.js';

const sessions = createSessions<{ n: number }>({ sources: [bearer(), cookie()], absoluteTimeout: '1h' });

async function login() {
  const context = await sessions.fromHeaders({});
  const session = await context.sessions.create({ n: 1 });
  return { context, session, setCookie: context.sessions.responseHeaders.getSetCookie() };
}

const readWith = async (headers: Record<string, string>, method?: string) =>
  (await sessions.fromHeaders(headers, { method })).session?.data.n;

describe('cookie', () => {
  test('is written on create and rotate and expired on destroy, with the attributes of RFC 6265bis', async () => {
    const { context, session, setCookie } = await login();
    expect(setCookie).toEqual([
      `__Host-session=${session.token}; Max-Age=3600; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ]);
    const next = await sessions.fromHeaders({ cookie: `__Host-session=${session.token}` });
    const token = await next.session?.rotate();
    expect(next.sessions.responseHeaders.getSetCookie()[0]).toContain(`__Host-session=${token};`);
    expect(next.sessions.responseHeaders.get('cache-control')).toBe('no-store');
    await next.session?.destroy();
    expect(next.sessions.responseHeaders.getSetCookie().at(-1)).toBe(
      '__Host-session=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax',
    );
    expect(context.sessions.responseHeaders.getSetCookie()).toHaveLength(1);
  });

  test('that comes twice opens nothing, and the refusal says that a token was sent', async () => {
    const { session } = await login();
    const sent = `__Host-session=${session.token}`;
    for (const [value, challenge] of [
      [`${sent}; ${sent}`, 'Bearer error="invalid_token"'],
      ['a=1', 'Bearer'],
    ] as const) {
      const request = new Request('https://app.example/', { headers: { cookie: value } });
      const answer = await sessions.handle(request, (context) => Response.json(requireSession(context).data));
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, challenge]);
    }
  });

  test('is read among other cookies, whatever they contain', async () => {
    const { session } = await login();
    for (const value of [
      `__Host-session=${session.token}`,
      `a=1; __Host-session=${session.token}; b`,
      ` __Host-session=${session.token} `,
      `=;;;%; __Host-session=${session.token}`,
    ]) {
      expect(await readWith({ cookie: value }, 'GET')).toBe(1);
    }
  });

  test('malformed headers, duplicates and oversized cookies are anonymous', async () => {
    const { session } = await login();
    const pair = `__Host-session=${session.token}`;
    for (const value of [
      '',
      ';',
      '__Host-session',
      '__Host-session=',
      `${pair}; ${pair}`,
      `${pair}; __Host-session=x`,
      `x${pair}`,
      `__Host-session=${'x'.repeat(5_000)}`,
      pair.toUpperCase(),
    ]) {
      expect(await readWith({ cookie: value }, 'GET')).toBeUndefined();
    }
    expect(await readWith({ cookie: `big=${'x'.repeat(50_000)}; ${pair}` }, 'GET')).toBe(1);
  });

  test('a source of one’s own may read a cookie without a place for the warning', () => {
    const { read } = cookie('session');
    const forged = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test', cookie: 'session=x' };
    const header = (name: string) => Reflect.get(forged, name);
    expect(read(header, { method: 'POST' })).toBeUndefined();
    expect(read((name) => (name === 'cookie' ? 'session=x' : undefined), { method: 'POST' })).toBe('x');
  });

  test.each<[string, Record<string, string>, string | undefined, number | undefined]>([
    ['a client that is no browser', {}, 'POST', 1],
    ['the own page', { 'sec-fetch-site': 'same-origin', origin: 'https://app.test' }, 'POST', 1],
    ['an address typed in', { 'sec-fetch-site': 'none' }, 'POST', 1],
    ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' }, 'POST', undefined],
    ['a subdomain', { 'sec-fetch-site': 'same-site', origin: 'https://x.app.test' }, 'POST', undefined],
    ['another site’s link', { 'sec-fetch-site': 'cross-site' }, 'GET', 1],
    ['another site, method unknown', { 'sec-fetch-site': 'cross-site' }, undefined, undefined],
    ['an older browser, own page', { origin: 'https://app.test', host: 'app.test' }, 'POST', 1],
    ['an older browser, another site', { origin: 'https://evil.test', host: 'app.test' }, 'POST', undefined],
    ['an older browser, a sandboxed frame', { origin: 'null', host: 'app.test' }, 'POST', undefined],
    ['an older browser, no host', { origin: 'https://app.test' }, 'POST', undefined],
    [
      'another site’s WebSocket',
      { origin: 'https://evil.test', host: 'app.test', upgrade: 'websocket' },
      'GET',
      undefined,
    ],
    ['the own page’s WebSocket', { origin: 'https://app.test', host: 'app.test', upgrade: 'WebSocket' }, 'GET', 1],
  ])('cross-site requests are anonymous: %s', async (_name, headers, method, expected) => {
    const { session } = await login();
    expect(await readWith({ ...headers, cookie: `__Host-session=${session.token}` }, method)).toBe(expected);
  });

  test('a bearer token is not sent by the browser on its own, so it is not checked', async () => {
    const { session } = await login();
    expect(await readWith({ authorization: `Bearer ${session.token}`, 'sec-fetch-site': 'cross-site' }, 'POST')).toBe(
      1,
    );
  });

  test('trusted origins pass, and csrf: false lets all pass', async () => {
    const trusting = createSessions<{ n: number }>({
      sources: [cookie('sid', { csrf: { trustedOrigins: ['https://web.test'] } })],
    });
    const { token } = await trusting.create({ n: 2 });
    const read = async (on: typeof trusting, origin: string, text: string) =>
      (await on.fromHeaders({ cookie: `sid=${text}`, origin, 'sec-fetch-site': 'cross-site' }, { method: 'POST' }))
        .session?.data.n;
    expect(await read(trusting, 'https://web.test', token)).toBe(2);
    expect(await read(trusting, 'https://evil.test', token)).toBeUndefined();
    const unchecked = createSessions<{ n: number }>({ sources: [cookie('sid', { csrf: false })] });
    expect(await read(unchecked, 'https://evil.test', (await unchecked.create({ n: 3 })).token)).toBe(3);
  });

  test.each(['capacitor://localhost', 'tauri://localhost', 'chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai'])(
    'rule 25: the origin of an app or extension can be trusted: %s',
    async (origin) => {
      const sessions = createSessions<{ n: number }>({
        sources: [cookie('sid', { csrf: { trustedOrigins: [origin] } })],
      });
      const { token } = await sessions.create({ n: 2 });
      const read = async (from: string) =>
        (await sessions.fromHeaders({ cookie: `sid=${token}`, origin: from }, { method: 'POST' })).session?.data.n;
      expect(await read(origin)).toBe(2);
      expect(await read(`${origin}.test`)).toBeUndefined();
    },
  );

  test('the attributes can be chosen if the name allows them', async () => {
    const options = {
      secure: false,
      sameSite: 'strict',
      domain: 'app.test',
      path: '/api',
      persistent: false,
    } as const;
    const chosen = createSessions<{ n: number }>({
      sources: [cookie('sid', options)],
      absoluteTimeout: false,
      idleTimeout: false,
    });
    const context = await chosen.fromHeaders({});
    const { token } = await context.sessions.create({ n: 1 });
    expect(context.sessions.responseHeaders.getSetCookie()).toEqual([
      `sid=${token}; Domain=app.test; Path=/api; HttpOnly; SameSite=Strict`,
    ]);
    const endless = createSessions<{ n: number }>({ sources: [cookie('sid')], absoluteTimeout: false });
    const other = await endless.fromHeaders({});
    await other.sessions.create({ n: 1 });
    expect(other.sessions.responseHeaders.getSetCookie()[0]).toContain('Max-Age=34560000;');
  });

  test.each<[string, () => unknown]>([
    ['a name that is none', () => cookie('a b')],
    ['a name that is no text', () => cookie(5 as never)],
    ['an empty name', () => cookie('')],
    // @ts-expect-error: the prefix forbids it
    ['__Host- with a domain', () => cookie('__Host-x', { domain: 'app.test' })],
    // @ts-expect-error: the prefix forbids it
    ['__Host- with a path', () => cookie('__Host-x', { path: '/api' })],
    // @ts-expect-error: the prefix forbids it
    ['__Host- in other letters, not secure', () => cookie('__HOST-x', { secure: false })],
    // @ts-expect-error: the prefix forbids it
    ['__Secure- not secure', () => cookie('__Secure-x', { secure: false })],
    ['sameSite none, not secure', () => cookie('x', { sameSite: 'none', secure: false })],
    ['another sameSite', () => cookie('x', { sameSite: 'loose' as 'lax' })],
    ['a path that does not begin with /', () => cookie('x', { path: 'api' })],
    ['a path that ends the attribute', () => cookie('x', { path: '/api;HttpOnly' })],
    ['a path that a Set-Cookie header cannot hold', () => cookie('x', { path: '/<api>' })],
    ['a path that is no text', () => cookie('x', { path: 5 as never })],
    ['a domain that is none', () => cookie('x', { domain: 'app test' })],
    ['a domain that is no text', () => cookie('x', { domain: 5 as never })],
    ['a domain with a label that is too long', () => cookie('x', { domain: `${'a'.repeat(64)}.example` })],
    ['an origin with a path', () => cookie('x', { csrf: { trustedOrigins: ['https://app.test/'] } })],
    ['an origin with a wildcard', () => cookie('x', { csrf: { trustedOrigins: ['https://*.app.test'] } })],
    ['the origin of a page without one', () => cookie('x', { csrf: { trustedOrigins: ['null'] } })],
    ['a URL without a host', () => cookie('x', { csrf: { trustedOrigins: ['data:text'] } })],
    ['the path of an app', () => cookie('x', { csrf: { trustedOrigins: ['capacitor://localhost/a'] } })],
  ])('%s is refused', (_name, make) => {
    expect(make).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
