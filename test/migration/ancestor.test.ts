// All in one file: the table in docs/MIGRATION.md names its tests.

import { readFileSync } from 'node:fs';
import express, { type Request } from 'express';
import tokenSession from 'express-token-session';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { expressSessions } from '../../src/adapters/express/middleware.js';
import {
  createSessions,
  header,
  memoryStore,
  type Session,
  type SessionStore,
  type SessionsOptions,
} from '../../src/index.js';
import { expressLegacy, expressStore } from '../../src/stores/express-store/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { type NodeRedis, withServer } from '../stores/redis/suite.js';
import { countingStore } from '../support/counting-store.js';
import { listenInTest } from '../support/http.js';
import { command, describeWithRedis, type RedisServer } from '../support/services/redis.js';

/*
 * Everything that express-token-session 1.2.1 and token-session-redis 3.0.1 have, on this library:
 * one test for each row of docs/MIGRATION.md.
 */

interface Data {
  userId: string;
  views?: number;
}

const TOKEN_KEY = 'X-AUTH_TOKEN';

/**
 * An application with the ancestor's header, and the requests to it. `route` is called for `POST
 * /test`.
 */
async function setUp(
  options: Partial<SessionsOptions<Data>> = {},
  route: (req: Request) => unknown = () => undefined,
) {
  const sessions = createSessions<Data>({ sources: [header(TOKEN_KEY, { respond: true })], ...options });
  const app = express();
  app.use(expressSessions(sessions));
  app.post('/login', async (req, res) => {
    const session = await req.sessions.create({ userId: 'ann' });
    res.end(session.token);
  });
  app.post('/count', (req, res) => {
    if (!req.session) return void res.end('No session found');
    req.session.data.views = (req.session.data.views ?? 0) + 1;
    res.end(String(req.session.data.views));
  });
  app.post('/test', async (req, res) => {
    const answer = await route(req);
    res.json(answer ?? null);
  });
  app.use(
    (error: { status?: number }, _req: Request, res: express.Response, _next: express.NextFunction) =>
      void res.status(error.status ?? 500).end(),
  );
  const { url } = await listenInTest(app);
  const post = async (path: string, token?: string) => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: token === undefined ? {} : { [TOKEN_KEY]: token },
    });
    return { status: response.status, text: await response.text(), token: response.headers.get(TOKEN_KEY) };
  };
  return { sessions, post };
}

function logger() {
  const lines: string[] = [];
  const line = (message: string) => void lines.push(message);
  return { lines, debug: line, info: line, warn: line, error: line };
}

describe('its own test cases', () => {
  test('should export constructors', () => {
    for (const each of [createSessions, expressSessions, memoryStore, expressStore])
      expect(each).toBeTypeOf('function');
  });

  test('req.session should persist', async () => {
    const { post } = await setUp();
    const token = (await post('/login')).text;
    expect(token).toMatch(/^ts_/);
    expect((await post('/count', token)).text).toBe('1');
    expect((await post('/count', token)).text).toBe('2');
    expect((await post('/count')).text).toBe('No session found');
  });

  test('.destroy() should destroy the previous session', async () => {
    const { post } = await setUp({}, async (req) => {
      await req.session?.destroy();
      return req.session;
    });
    const token = (await post('/login')).text;
    expect((await post('/count', token)).text).toBe('1');
    expect((await post('/test', token)).text).toBe('null');
    expect((await post('/count', token)).text).toBe('No session found');
  });
});

describe('the middleware', () => {
  test('session(): one middleware gives every request its session', async () => {
    const { post } = await setUp({}, (req) => req.session?.data);
    const token = (await post('/login')).text;
    expect(JSON.parse((await post('/test', token)).text)).toEqual({ userId: 'ann' });
  });

  test('key: the name of the header, X-AUTH_TOKEN or another', async () => {
    const { post } = await setUp({ sources: [header('X-Other', { respond: true })] });
    const { text } = await post('/login');
    expect((await post('/count', text)).text).toBe('No session found');
    const usual = await setUp();
    const login = await usual.post('/login');
    expect(login.token).toBe(login.text);
    expect((await usual.post('/count', login.text)).text).toBe('1');
  });

  test('store: the ancestor’s own stores go on through expressStore', async () => {
    const store = new tokenSession.MemoryStore();
    const { post } = await setUp({ store: expressStore(store) });
    const token = (await post('/login')).text;
    expect((await post('/count', token)).text).toBe('1');
    const stored = await new Promise((resolve) => store.all((_error, all) => resolve(all)));
    expect(stored).toEqual([expect.stringContaining('"userId":"ann","views":1')]);
  });

  test('logger: any object with warn and error, such as log4js', async () => {
    const log = logger();
    const store = countingStore();
    const { post } = await setUp({ store, logger: log });
    const token = (await post('/login')).text;
    store.before = () => {
      throw new Error('down');
    };
    expect((await post('/count', token)).status).toBe(503);
    expect(log.lines).toEqual([expect.stringContaining('the store')]);
  });

  test('warning: the default store says in production that it is for development', () => {
    vi.stubEnv('NODE_ENV', 'production');
    try {
      const log = logger();
      createSessions<Data>({ logger: log });
      expect(log.lines).toEqual([expect.stringContaining('memoryStore()')]);
      createSessions<Data>({ logger: log, store: memoryStore() });
      expect(log.lines).toHaveLength(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('used twice, it is at work once', async () => {
    const store = countingStore();
    const sessions = createSessions<Data>({ store, sources: [header(TOKEN_KEY)] });
    const { token } = await sessions.create({ userId: 'ann' });
    const app = express().use(expressSessions(sessions), expressSessions(sessions));
    app.get('/', (req, res) => void res.json(req.session?.data));
    const { url } = await listenInTest(app);
    store.reset();
    expect(await (await fetch(url, { headers: { [TOKEN_KEY]: token } })).json()).toEqual({ userId: 'ann' });
    expect(store.total()).toBe(1);
  });

  test('saved at the end of every response, where something has changed', async () => {
    const store = countingStore();
    const { post } = await setUp({ store });
    const token = (await post('/login')).text;
    store.reset();
    await post('/test', token);
    expect(store.calls.replace).toBe(0);
    await post('/count', token);
    expect(store.calls.replace).toBe(1);
  });

  test('a disconnected store: 503, or with onStoreError the ancestor’s “as if there is no session”', async () => {
    const old = new tokenSession.MemoryStore();
    for (const [onStoreError, expected] of [
      ['reject', { status: 503, text: '' }],
      ['anonymous', { status: 200, text: 'No session found' }],
    ] as const) {
      const log = logger();
      const { post } = await setUp({ store: expressStore(old), logger: log, onStoreError });
      const token = (await post('/login')).text;
      old.emit('disconnect');
      expect(await post('/count', token)).toMatchObject(expected);
      expect(log.lines.at(-1)).toContain('the store is disconnected');
      old.emit('connect');
      expect((await post('/count', token)).text).toBe('1');
    }
  });

  test('an error of the store goes to the error handler; ENOENT is no error', async () => {
    const failing = (code: string) => {
      const store = new tokenSession.MemoryStore();
      store.get = (_sid, callback) => callback(Object.assign(new Error('of the store'), { code }));
      return store;
    };
    const token = (await createSessions<Data>().create({ userId: 'ann' })).token;
    expect((await (await setUp({ store: expressStore(failing('EIO')) })).post('/count', token)).status).toBe(503);
    expect((await (await setUp({ store: expressStore(failing('ENOENT')) })).post('/count', token)).text).toBe(
      'No session found',
    );
  });
});

describe('the request', () => {
  test('req.session: null for an anonymous request, never a new one', async () => {
    const { post, sessions } = await setUp({}, (req) => ({ session: req.session }));
    for (const token of [undefined, '', 'x'.repeat(40)])
      expect((await post('/test', token)).text).toBe('{"session":null}');
    expect(await sessions.count()).toBe(0);
  });

  test('generate(req): req.sessions.create(data)', async () => {
    const { post } = await setUp({}, async (req) => {
      const session = await req.sessions.create({ userId: 'bob' });
      return { same: req.session === session, token: session.token };
    });
    const answer = await post('/test');
    const { same, token } = JSON.parse(answer.text);
    expect([same, answer.token]).toEqual([true, token]);
    expect((await post('/count', token)).text).toBe('1');
  });

  test('generate(req, token): a token of one’s own is accepted from old sessions, and no longer given out', async () => {
    const old = new tokenSession.MemoryStore();
    await new Promise((resolve) => old.set('thisIsMyToken__', { userId: 'ann', views: 1 }, resolve));
    const { post } = await setUp({ sources: [header(TOKEN_KEY, { respond: true, legacy: expressLegacy(old) })] });
    const answer = await post('/count', 'thisIsMyToken__');
    expect(answer).toMatchObject({ text: '2', token: expect.stringMatching(/^ts_/) });
    expect((await post('/count', answer.token ?? '')).text).toBe('3');
  });

  test('req.sessionToken: session.token at login; the server keeps no other copy', async () => {
    const { post } = await setUp({}, (req) => [req.session?.token ?? null, req.session?.id]);
    const { text } = await post('/login');
    expect(JSON.parse((await post('/test', text)).text)).toEqual([null, text.slice('ts_'.length, 'ts_'.length + 36)]);
  });

  test('req.sessionStore: what createSessions returns', async () => {
    const { sessions, post } = await setUp();
    await post('/login');
    expect(await sessions.count()).toBe(1);
  });
});

describe('the methods of a session', () => {
  test('Session: the type Session<Data>', () => {
    expectTypeOf<NonNullable<Request['session']>>().toEqualTypeOf<Session<Data>>();
  });

  test('destroy(): and req.session is null', async () => {
    const { post } = await setUp({}, async (req) => {
      await req.session?.destroy();
      return [req.session];
    });
    expect((await post('/test', (await post('/login')).text)).text).toBe('[null]');
  });

  test('reload(): what others wrote, without what was changed here', async () => {
    const { sessions, post } = await setUp({}, async (req) => {
      if (!req.session) return null;
      req.session.data.views = 100;
      await (await sessions.find(req.session.id))?.update((data) => {
        data.views = 7;
      });
      await req.session.reload();
      return req.session.data.views;
    });
    expect((await post('/test', (await post('/login')).text)).text).toBe('7');
  });

  test('reload() of a session that is gone fails', async () => {
    const { sessions, post } = await setUp({}, async (req) => {
      await sessions.destroy(req.session?.id ?? '');
      return req.session?.reload().catch((error: { code: string }) => error.code);
    });
    expect((await post('/test', (await post('/login')).text)).text).toBe('"SESSION_GONE"');
  });

  test('save(): before the response ends, where it is wanted', async () => {
    const { sessions, post } = await setUp({}, async (req) => {
      if (!req.session) return null;
      req.session.data.views = 9;
      await req.session.save();
      return (await sessions.find(req.session.id))?.data.views;
    });
    expect((await post('/test', (await post('/login')).text)).text).toBe('9');
  });

  test('touch(): counts as activity', async () => {
    const clock = { now: 1_700_000_000_000 };
    const { post } = await setUp({ now: () => clock.now, idleTimeout: '1h', touchInterval: '1m' }, async (req) => {
      clock.now += 120_000;
      await req.session?.touch();
      return (req.session?.expiresAt ?? 0) - clock.now;
    });
    expect((await post('/test', (await post('/login')).text)).text).toBe('3600000');
  });
});

describe('stores', () => {
  test('MemoryStore: memoryStore(), which forgets what has ended', async () => {
    const clock = { now: 1_700_000_000_000 };
    const store = memoryStore({ now: () => clock.now });
    const { sessions } = await setUp({ store, now: () => clock.now, idleTimeout: '1h' });
    await sessions.create({ userId: 'ann' });
    clock.now += 3_600_000;
    expect(await sessions.sweep()).toBe(1);
    expect(await sessions.count()).toBe(0);
  });

  test('Store: a SessionStore has four verbs; get, set and destroy go on through expressStore', async () => {
    const rows = new Map<string, string>();
    class Own extends tokenSession.Store {
      get(sid: string, callback: (error?: unknown, session?: unknown) => void): void {
        callback(null, JSON.parse(rows.get(sid) ?? 'null'));
      }
      set(sid: string, session: object, callback: (error?: unknown) => void): void {
        rows.set(sid, JSON.stringify(session));
        callback();
      }
      destroy(sid: string, callback: (error?: unknown) => void): void {
        rows.delete(sid);
        callback();
      }
    }
    const { post, sessions } = await setUp({ store: expressStore(new Own()) });
    const token = (await post('/login')).text;
    expect((await post('/count', token)).text).toBe('1');
    expect(rows.size).toBe(1);
    await expect(sessions.count()).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
  });

  test('length(): sessions.count()', async () => {
    const { post, sessions } = await setUp({ store: expressStore(new tokenSession.MemoryStore()) });
    for (let i = 1; i <= 3; i += 1) {
      await post('/login');
      expect(await sessions.count()).toBe(i);
    }
  });

  test('clear(): that of the store', async () => {
    for (const store of [memoryStore(), expressStore(new tokenSession.MemoryStore())]) {
      const { post, sessions } = await setUp({ store });
      const token = (await post('/login')).text;
      await store.clear?.();
      expect(await sessions.count()).toBe(0);
      expect((await post('/count', token)).text).toBe('No session found');
    }
  });

  test('all(): sessions.listFor(owner), an account’s', async () => {
    const { sessions } = await setUp({ ownerOf: (data) => data.userId });
    for (const userId of ['ann', 'bob', 'ann']) await sessions.create({ userId });
    expect((await sessions.listFor('ann')).map(({ data }) => data.userId)).toEqual(['ann', 'ann']);
  });

  test('load(sid): sessions.find(id)', async () => {
    const { sessions } = await setUp();
    const { id } = await sessions.create({ userId: 'ann' });
    expect((await sessions.find(id))?.data.userId).toBe('ann');
    expect(await sessions.find('unknown')).toBeNull();
  });

  test('connect and disconnect: heard by expressStore', async () => {
    const old = new tokenSession.MemoryStore();
    const store: SessionStore = expressStore(old);
    old.emit('disconnect');
    await expect(store.find('019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b')).rejects.toThrow('disconnected');
    old.emit('connect');
    expect(await store.find('019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b')).toBeNull();
  });

  test('no expiry: idleTimeout and absoluteTimeout of false', async () => {
    const clock = { now: 1_700_000_000_000 };
    const { post } = await setUp({ now: () => clock.now, idleTimeout: false, absoluteTimeout: false });
    const token = (await post('/login')).text;
    clock.now += 50 * 365 * 86_400_000;
    expect((await post('/count', token)).text).toBe('1');
  });
});

describeWithRedis('token-session-redis', () => {
  let server: RedisServer;
  let client: NodeRedis;
  withServer((one) => {
    ({ server, client } = one);
  });

  const keys = async () => (await client.keys('*')).sort();
  const ttlOf = async (key = '') => client.pTTL(key);

  test('client: redisStore(client), with a current one', async () => {
    await command(server, ['FLUSHALL']);
    const { post } = await setUp({ store: redisStore(client) });
    expect((await post('/count', (await post('/login')).text)).text).toBe('1');
  });

  test('ttl: idleTimeout, a day from the last use', async () => {
    await command(server, ['FLUSHALL']);
    const { post } = await setUp({ store: redisStore(client), idleTimeout: '1d' });
    await post('/login');
    const left = await ttlOf((await keys())[0]);
    expect(left).toBeGreaterThan(86_400_000 - 10_000);
    expect(left).toBeLessThan(86_400_000 + 60_000);
  });

  test('disableTTL: idleTimeout and absoluteTimeout of false', async () => {
    await command(server, ['FLUSHALL']);
    const { post } = await setUp({ store: redisStore(client), idleTimeout: false, absoluteTimeout: false });
    await post('/login');
    expect(await ttlOf((await keys())[0])).toBeGreaterThan(100 * 365 * 86_400_000);
  });

  test('prefix: that of redisStore, and not the old one', async () => {
    await command(server, ['FLUSHALL']);
    const { post } = await setUp({ store: redisStore(client, { prefix: 'mine:' }) });
    await post('/login');
    expect(await keys()).toEqual([expect.stringMatching(/^mine:/)]);
  });
});

test('docs/MIGRATION.md names a test of this file in every row of its table', () => {
  const here = readFileSync(new URL(import.meta.url), 'utf8');
  const text = readFileSync(new URL('../../docs/MIGRATION.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^\|.*\| “(.*)” \|$/gm)].map((match) => match[1] ?? '');
  const titles = new Set([...here.matchAll(/^ *test\('(.*?)', /gm)].map((match) => match[1] ?? ''));
  expect(named.filter((title) => !titles.has(title))).toEqual([]);
  const rows = text.split('\n').filter((line) => /^\| `/.test(line) && line.includes('“'));
  expect(named.length).toBe(rows.length);
  expect(named.length).toBeGreaterThan(25);
  // Nor is a test without a row, but for the ancestor's own test cases and this one.
  const unnamed = [...titles].filter((title) => !named.includes(title));
  expect(unnamed).toEqual([
    'should export constructors',
    'req.session should persist',
    '.destroy() should destroy the previous session',
    'docs/MIGRATION.md names a test of this file in every row of its table',
  ]);
});
