import { expect } from 'vitest';
import { bearer, cookie, header } from '../../../src/index.js';
import { type Bench, type ContractTest, expectStatus } from './bench.js';
import type { Answer } from './operations.js';

const COOKIE = '__Host-session';
const options = { sources: [bearer({ respond: true }), header('x-auth-token', { respond: true }), cookie()] };
const CROSS_SITE = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };

/** The token that an answer writes for each source. */
function written({ headers }: Answer) {
  const cookies = headers?.getSetCookie().map((each) => /^([^=]*)=([^;]*)/.exec(each)) ?? [];
  return {
    bearer: headers?.get('session-token') ?? null,
    header: headers?.get('x-auth-token') ?? null,
    cookies: cookies.filter((match) => match?.[1] === COOKIE).map((match) => match?.[2]),
  };
}

function withCookie(token: string, headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { cookie: `theme=dark; ${COOKIE}=${token}`, ...headers };
}

async function whoIs({ sessions }: Bench, token: string | null | undefined): Promise<string | undefined> {
  return (await sessions.fromToken(token)).session?.data.userId;
}

/** Tests with sources that write to the response. */
export const writerTests: readonly ContractTest[] = [
  {
    title: 'rule 24: a login is written to every source that writes, and is not cached',
    options,
    run: async (bench) => {
      const login = await bench.host.call('login', 'ann', {});
      const token = login.value ?? '';
      expect(await whoIs(bench, token)).toBe('ann');
      expect(written(login)).toEqual({ bearer: token, header: token, cookies: [token] });
      expect(login.headers?.get('cache-control')).toBe('no-store');
      expect(login.headers?.get('access-control-expose-headers')?.toLowerCase()).toContain('session-token');
    },
  },
  {
    title: 'rule 24: a rotated token goes to the source that it came from',
    options,
    run: async (bench) => {
      const token = await bench.login();
      const byCookie = await bench.host.call('rotate', '', withCookie(token));
      expect(written(byCookie)).toEqual({ bearer: null, header: null, cookies: [byCookie.value] });
      const byHeader = await bench.host.call('rotate', '', { 'x-auth-token': byCookie.value ?? '' });
      expect(written(byHeader)).toEqual({ bearer: null, header: byHeader.value, cookies: [] });
      const byBearer = await bench.call('rotate', byHeader.value ?? '');
      expect(written(byBearer)).toEqual({ bearer: byBearer.value, header: null, cookies: [] });
      expect(byBearer.headers?.get('cache-control')).toBe('no-store');
      expect(await whoIs(bench, byBearer.value)).toBe('ann');
    },
  },
  {
    title: 'an answer that changes no token writes none',
    options,
    run: async ({ host, login }) => {
      const token = await login();
      for (const operation of ['whoAmI', 'setTheme'] as const) {
        expect(written(await host.call(operation, 'dark', withCookie(token)))).toEqual({
          bearer: null,
          header: null,
          cookies: [],
        });
      }
    },
  },
  {
    title: 'rule 24: a logout is written to every source',
    options,
    run: async ({ host, login }) => {
      const token = await login();
      const logout = await host.call('logout', '', withCookie(token));
      expect(logout.outcome).toBe('ok');
      expect(written(logout)).toEqual({ bearer: '', header: '', cookies: [''] });
      expect(logout.headers?.getSetCookie().find((each) => each.startsWith(COOKIE))).toContain('Max-Age=0');
    },
  },
  {
    title: 'rule 18: a failed login leaves no session, token or cookie, and keeps the previous session',
    options,
    run: async (bench) => {
      const token = await bench.login();
      const failed = await bench.host.call('loginAndFail', 'bob', withCookie(token));
      expect(failed.outcome).toBe('refused');
      expect(written(failed)).toEqual({ bearer: null, header: null, cookies: [] });
      expect(await bench.store.count?.()).toBe(1);
      expect(await whoIs(bench, token)).toBe('ann');
    },
  },
  {
    title: 'rule 25: a request with a cookie from another site is anonymous, and cannot log in',
    options,
    run: async ({ host, store, login }) => {
      const token = await login();
      expect((await host.call('theme', '', withCookie(token, CROSS_SITE))).outcome).toBe('unauthenticated');
      const forged = await host.call('login', 'eve', CROSS_SITE);
      expect(forged.outcome).toBe('refused');
      expectStatus(forged, 403);
      expect(written(forged)).toEqual({ bearer: null, header: null, cookies: [] });
      expect(store.calls.insert).toBe(0);
    },
  },
  {
    title: 'rule 21: a token that is older than rotateEvery is rotated when it is used',
    options: { ...options, rotateEvery: '1h' },
    run: async (bench) => {
      const token = await bench.login();
      bench.clock.advance(3_600_001);
      const answer = await bench.host.call('whoAmI', '', withCookie(token));
      expect(answer.value).toBe('ann');
      const [rotated, ...others] = written(answer).cookies;
      expect(others).toEqual([]);
      expect(rotated).not.toBe(token);
      expect(await whoIs(bench, rotated)).toBe('ann');
      expect(answer.headers?.get('cache-control')).toBe('no-store');
    },
  },
  {
    title: 'invariant 6: in an outage, nothing is written and no cookie is deleted',
    options,
    run: async ({ host, store, login }) => {
      const token = await login();
      store.before = () => {
        throw new Error('connection refused by db.internal');
      };
      const answer = await host.call('theme', '', withCookie(token));
      expect(answer.outcome).toBe('unavailable');
      expect(written(answer)).toEqual({ bearer: null, header: null, cookies: [] });
    },
  },
];
