import { describe, expect, test, vi } from 'vitest';
import { headerReader } from '../../src/http/header-reader.js';
import { hostOf } from '../../src/http/host.js';
import { combined } from '../../src/http/put-headers.js';
import { bearer, cookie, createSessions, type HeadersLike, header, type TokenSource } from '../../src/index.js';
import { collector } from '../support/collect.js';
import { countingStore } from '../support/counting-store.js';

describe('header reader', () => {
  test.each<[string, HeadersLike]>([
    ['Fetch headers', new Headers({ 'X-Auth': 'a' })],
    ['Node headers', { 'x-auth': 'a' }],
    ['headers in the client’s spelling', { 'X-Auth': 'a' }],
    ['a list of one', { 'x-auth': ['a'] }],
  ])('reads %s', (_name, headers) => {
    expect(headerReader(headers)('x-auth')).toBe('a');
    expect(headerReader(headers)('x-other')).toBeUndefined();
  });

  test('repeated headers are joined, in whatever form they come', () => {
    const repeated = new Headers([
      ['x-auth', 'a'],
      ['x-auth', 'b'],
    ]);
    for (const headers of [repeated, { 'x-auth': ['a', 'b'] }, { 'X-Auth': 'a', 'X-AUTH': 'b' }]) {
      expect(headerReader(headers)('x-auth')).toBe('a, b');
    }
  });

  test('repeated Cookie headers are joined by semicolons, in whatever form they come', () => {
    const repeated = new Headers([
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ]);
    for (const headers of [repeated, { cookie: ['a=1', 'b=2'] }, { Cookie: 'a=1', COOKIE: 'b=2' }]) {
      expect(headerReader(headers)('cookie')).toBe('a=1; b=2');
    }
  });

  test('reads the pseudo-headers of HTTP/2 where the headers have them', () => {
    /** As ponyfills for Node requests do. */
    class WithAuthority extends Headers {
      override get(name: string): string | null {
        return name === ':authority' ? 'app.example' : super.get(name);
      }
    }
    const read = (headers: HeadersLike) => headerReader(headers)(':authority');
    expect([new WithAuthority(), { ':authority': 'app.example' }].map(read)).toEqual(['app.example', 'app.example']);
    expect([new Headers(), {}].map(read)).toEqual([undefined, undefined]);
    expect(headerReader(new WithAuthority())(':scheme')).toBeUndefined();
  });

  test('empty lists and empty values in another spelling are missing headers', () => {
    const header = headerReader({ 'X-None': [], 'X-Empty': '', 'X-Two': ['a', 'b'] });
    expect(['x-none', 'x-empty', 'x-two'].map(header)).toEqual([undefined, undefined, 'a, b']);
  });

  test('names of inherited properties are not headers', () => {
    expect(headerReader({})('constructor')).toBeUndefined();
    expect(headerReader({ 'x-auth': undefined })('x-auth')).toBeUndefined();
  });

  test('a value of null, as in some events of serverless platforms, is a missing header', () => {
    const event: { headers: Record<string, string> } = JSON.parse(
      '{ "headers": { "x-auth": null, "X-Other": null } }',
    );
    const header = headerReader(event.headers);
    expect([header('x-auth'), header('x-other')]).toEqual([undefined, undefined]);
  });
});

describe('sources', () => {
  const store = countingStore();
  const sessions = createSessions<{ n: number }>({ store, sources: [bearer(), header('X-Auth-Token')] });

  async function read(headers: HeadersLike) {
    store.reset();
    const { session } = await sessions.fromHeaders(headers);
    return { n: session?.data.n, calls: store.total() };
  }

  test('bearer reads any case and spacing, and ignores other schemes', async () => {
    const { token } = await sessions.create({ n: 1 });
    for (const scheme of ['Bearer ', 'bearer ', 'BEARER ', 'bEaReR   ']) {
      expect(await read({ authorization: `${scheme}${token}` })).toEqual({ n: 1, calls: 1 });
    }
    for (const value of [
      token,
      `Basic ${token}`,
      `Bearer${token}`,
      `Bearer\t${token}`,
      'Bearer',
      'Bearer ',
      `Bearer ${token} x`,
      `Bearer ${token}, Bearer ${token}`,
    ]) {
      expect(await read({ authorization: value })).toEqual({ n: undefined, calls: 0 });
    }
  });

  test('if sources disagree, the first well-formed one decides', async () => {
    const [a, b] = [await sessions.create({ n: 1 }), await sessions.create({ n: 2 })];
    expect(await read({ authorization: `Bearer ${a.token}`, 'x-auth-token': b.token })).toEqual({ n: 1, calls: 1 });
    expect(await read({ authorization: 'Bearer malformed', 'x-auth-token': b.token })).toEqual({ n: 2, calls: 1 });
    await sessions.destroy(a.id);
    expect(await read({ authorization: `Bearer ${a.token}`, 'x-auth-token': b.token })).toEqual({
      n: undefined,
      calls: 1,
    });
  });

  test('repeated headers and two tokens in one are malformed', async () => {
    const { token } = await sessions.create({ n: 1 });
    const repeated = new Headers([
      ['authorization', `Bearer ${token}`],
      ['authorization', `Bearer ${token}`],
    ]);
    expect(await read(repeated)).toEqual({ n: undefined, calls: 0 });
    expect(await read({ 'x-auth-token': [token, token] })).toEqual({ n: undefined, calls: 0 });
  });

  test('invariant 8: none of these reaches the store, creates a session or is echoed', async () => {
    const before = await sessions.count();
    const bad = ['', ' ', 'x'.repeat(1_000_000), 'ts_', 'tś_é', '\u0000', 'ts_..', '%00', '__proto__'];
    for (const text of bad) {
      expect(await read({ authorization: `Bearer ${text}`, 'x-auth-token': text })).toEqual({
        n: undefined,
        calls: 0,
      });
      expect((await sessions.fromToken(text)).session).toBeNull();
    }
    expect((await sessions.fromToken(null)).session).toBeNull();
    expect(await sessions.count()).toBe(before);
  });

  test.each(['', 'a b', 'x:', 'é', 'x\n', 7 as never])(
    'header(%j) and bearer({ respond: %j }) are refused',
    (name) => {
      expect(() => header(name)).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
      expect(() => bearer({ respond: name })).toThrowError(expect.objectContaining({ code: 'INVALID_OPTION' }));
    },
  );
});

describe('sources that write', () => {
  const sources = [bearer({ respond: true }), cookie('sid')];
  const written = ({ responseHeaders }: { readonly responseHeaders: Headers }) => [
    responseHeaders.get('session-token'),
    responseHeaders.getSetCookie().map((each) => each.split(/[=;]/)[1]),
  ];

  test.each<[string, HeadersLike]>([
    ['no token', {}],
    ['a malformed token', { cookie: 'sid=nonsense' }],
    ['an empty token', { authorization: 'Bearer ' }],
  ])('all write the new token of a request with %s', async (_, headers) => {
    const { sessions } = await createSessions<{ n: number }>({ sources }).fromHeaders(headers);
    const { token } = await sessions.create({ n: 1 });
    expect(written(sessions)).toEqual([token, [token]]);
  });

  test('all write the new token of a context that was made with a token alone', async () => {
    const on = createSessions<{ n: number }>({ sources });
    const { sessions } = await on.fromToken((await on.create({ n: 1 })).token);
    const { token } = await sessions.create({ n: 2 });
    expect(written(sessions)).toEqual([token, [token]]);
  });

  test('an error names them if the head of the answer has left', async () => {
    const on = createSessions<{ n: number }>({ sources });
    const { head } = hostOf(on).open({ key: undefined, headers: {}, target: { kind: 'none', advice: 'Do that.' } });
    expect(() => head.assertWritable()).toThrow(
      expect.objectContaining({
        code: 'HEADERS_SENT',
        message: expect.stringMatching(/\(authorization, cookie sid\).* Do that\.$/),
      }),
    );
  });

  test.each<[string, unknown]>([
    ['an empty list', []],
    ['no list', bearer()],
    ['undefined in a list', [bearer(), undefined]],
    ['an object that reads nothing', [{ name: 'own' }]],
  ])('%s is refused', (_, given) => {
    expect(() => createSessions({ sources: given as TokenSource[] })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('sources must be') }),
    );
  });
});

describe('sessions.responseHeaders', () => {
  function setUp(sources = [bearer({ respond: true })]) {
    const warnings: string[] = [];
    const logger = { warn: (line: string) => void warnings.push(line), error: () => undefined };
    return { warnings, sessions: createSessions<{ n: number }>({ sources, logger }) };
  }

  test('cause one warning if they hold a token and are never read', async () => {
    const { warnings, sessions } = setUp();
    const collect = collector();
    for (let round = 0; round < 3; round += 1) await (await sessions.fromHeaders({})).sessions.create({ n: 1 });
    await vi.waitFor(() => {
      collect();
      expect(warnings).toEqual([expect.stringContaining('never read sessions.responseHeaders')]);
    });
  });

  test('cause no warning if they are read or hold nothing', async () => {
    const { warnings, sessions } = setUp();
    const { warnings: ofSilent, sessions: silent } = setUp([bearer()]);
    const collect = collector();
    const collected = vi.fn();
    const registry = new FinalizationRegistry<undefined>(collected);
    const use = async () => {
      const context = await sessions.fromHeaders({});
      const { token } = await context.sessions.create({ n: 1 });
      expect(context.sessions.responseHeaders.get('session-token')).toBe(token);
      registry.register(context, undefined);
      registry.register(await sessions.fromToken(token), undefined);
      // No source writes, so nothing must be sent when a session begins or ends.
      const other = await silent.fromHeaders({});
      await (await other.sessions.create({ n: 1 })).destroy();
      registry.register(other, undefined);
    };
    await use();
    await vi.waitFor(() => {
      collect();
      expect(collected).toHaveBeenCalledTimes(3);
    });
    expect([warnings, ofSilent]).toEqual([[], []]);
  });
});

describe('bearer({ respond })', () => {
  test.each([
    [undefined, {}],
    [false, {}],
    [true, { 'session-token': 'x', 'access-control-expose-headers': 'Session-Token' }],
    ['X-Token', { 'x-token': 'x', 'access-control-expose-headers': 'X-Token' }],
  ])('%j: writes these headers with a new token', (respond, expected) => {
    const written = new Headers();
    bearer({ respond }).write?.(written, 'x', 1_000);
    expect(Object.fromEntries(written)).toEqual(expected);
  });

  test('an event stream stays protected from proxies that transform it', () => {
    expect(combined('cache-control', 'no-store', 'no-cache, no-transform')).toBe('no-store, no-transform');
    expect(combined('cache-control', 'no-store, no-transform', 'no-transform')).toBe('no-store, no-transform');
    expect(combined('cache-control', 'no-store', 'public, max-age=60')).toBe('no-store');
    expect(combined('x-other', 'ours', 'no-transform')).toBe('ours');
  });

  test("the exposed headers are added to the application's", () => {
    expect(combined('access-control-expose-headers', 'Session-Token', 'ETag')).toBe('ETag, Session-Token');
    expect(combined('access-control-expose-headers', 'Session-Token', 'ETag, session-token')).toBe(
      'ETag, session-token',
    );
    expect(combined('access-control-expose-headers', 'Session-Token', ['*'])).toBe('*, Session-Token');
  });
});
