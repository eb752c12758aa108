import { createHmac } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { RedisStore } from 'connect-redis';
import express from 'express';
import session, { type HandledSession } from 'express-session';
import { describe, expect, test } from 'vitest';
import { expressSessions } from '../../../src/adapters/express/middleware.js';
import { cookie, createSessions } from '../../../src/index.js';
import { type CallbackStore, expressLegacy, expressStore } from '../../../src/stores/express-store/index.js';
import { listenInTest } from '../../support/http.js';
import { describeWithRedis } from '../../support/services/redis.js';
import { type NodeRedis, withServer } from '../redis/suite.js';

interface Data {
  userId: string;
  views?: number;
}

const SECRET = 'keyboard cat';

function isHandled(value: unknown): value is HandledSession {
  return typeof value === 'object' && value !== null && 'destroy' in value;
}

/**
 * An application of express-session. The path decides the change, and the answer has the session's
 * fields.
 */
function ofExpressSession(store: CallbackStore, cookieOptions: object): RequestListener {
  const middleware = session({
    store,
    secret: SECRET,
    resave: false,
    saveUninitialized: false,
    cookie: cookieOptions,
  });
  return (req, res) => {
    middleware(req, res, () => {
      const handled: unknown = Reflect.get(req, 'session');
      if (!isHandled(handled)) return void res.writeHead(500).end();
      if (req.url === '/login') Object.assign(handled, { userId: 'ann', views: 1 });
      if (req.url === '/visit') handled['views'] = Number(handled['views']) + 1;
      if (req.url === '/logout') return void handled.destroy(() => res.end('{}'));
      res.end(JSON.stringify({ ...handled, cookie: undefined, __tokenSession: undefined }));
    });
  };
}

/** An application of this library on the same store, which takes over the other one's sessions. */
function ofOurs(store: CallbackStore) {
  const legacy = expressLegacy(store, { secret: SECRET });
  const sessions = createSessions<Data>({
    store: expressStore(store),
    sources: [cookie('connect.sid', { legacy, secure: false })],
  });
  const app = express();
  app.use(expressSessions(sessions));
  app.get('/visit', (req, _res, next) => {
    if (req.session) req.session.data.views = Number(req.session.data.views) + 1;
    next();
  });
  app.get('/logout', async (req, _res, next) => {
    await req.session?.destroy();
    next();
  });
  app.use((req, res) => void res.json(req.session?.data ?? {}));
  return { sessions, app };
}

/** A browser that only keeps the session's cookie. */
function browser() {
  let jar = '';
  return {
    async get(url: string): Promise<unknown> {
      const response = await fetch(url, { headers: jar === '' ? {} : { cookie: jar } });
      const [set] = response.headers.getSetCookie();
      if (set !== undefined) jar = set.split(';')[0] ?? '';
      return response.json();
    },
    take(value: string) {
      jar = `connect.sid=${encodeURIComponent(value)}`;
    },
    cookie: () => jar,
  };
}

const sign = (sid: string) =>
  `s:${sid}.${createHmac('sha256', SECRET).update(sid).digest('base64').replace(/=+$/, '')}`;

function bothWays(open: () => CallbackStore): void {
  test.each([
    ['cookies that the browser forgets', {}],
    ['cookies that last', { maxAge: 600_000 }],
  ])('the library reads and continues a session of express-session: %s', async (_name, cookieOptions) => {
    const store = open();
    const before = await listenInTest(ofExpressSession(store, cookieOptions));
    const { app, sessions } = ofOurs(store);
    const after = await listenInTest(app);
    const user = browser();
    expect(await user.get(`${before.url}/login`)).toEqual({ userId: 'ann', views: 1 });
    expect(await user.get(`${before.url}/visit`)).toEqual({ userId: 'ann', views: 2 });
    const oldCookie = user.cookie();
    expect(await user.get(`${after.url}/visit`)).toEqual({ userId: 'ann', views: 3 });
    expect(user.cookie()).toMatch(/^connect\.sid=ts_/);
    expect(await user.get(after.url)).toEqual({ userId: 'ann', views: 3 });
    const token = user.cookie().slice('connect.sid='.length);
    const left = ((await sessions.fromToken(token)).session?.expiresAt ?? 0) - Date.now();
    expect(left).toBeGreaterThan(590_000);
    // It has moved, so the old application no longer knows it.
    const old = browser();
    old.take(decodeURIComponent(oldCookie.slice('connect.sid='.length)));
    expect(await old.get(before.url)).toEqual({});
    expect(await user.get(`${after.url}/logout`)).toEqual({});
    for (const each of [user, old]) expect(await each.get(after.url)).toEqual({});
  });

  test("express-session reads the library's session, and its changes count here", async () => {
    const store = open();
    const { sessions } = ofOurs(store);
    const created = await sessions.create({ userId: 'bob', views: 7 });
    const other = await listenInTest(ofExpressSession(store, {}));
    const user = browser();
    user.take(sign(created.id));
    expect(await user.get(other.url)).toEqual({ userId: 'bob', views: 7 });
    expect(await user.get(`${other.url}/visit`)).toEqual({ userId: 'bob', views: 8 });
    const { session } = await sessions.fromToken(created.token);
    expect(session?.data).toEqual({ userId: 'bob', views: 8 });
    await session?.update((data) => {
      data.views = Number(data.views) + 1;
    });
    expect(await user.get(other.url)).toEqual({ userId: 'bob', views: 9 });
    expect(await user.get(`${other.url}/logout`)).toEqual({});
    expect((await sessions.fromToken(created.token)).session).toBeNull();
  });

  test('a session that the library ended is gone for express-session', async () => {
    const store = open();
    const { sessions } = ofOurs(store);
    const created = await sessions.create({ userId: 'bob' });
    const other = await listenInTest(ofExpressSession(store, {}));
    const user = browser();
    user.take(sign(created.id));
    expect(await user.get(other.url)).toEqual({ userId: 'bob' });
    await created.destroy();
    expect(await user.get(other.url)).toEqual({});
  });
}

describe('express-session’s MemoryStore, both ways', () => bothWays(() => new session.MemoryStore()));

describeWithRedis('connect-redis, both ways', () => {
  let client: NodeRedis;
  withServer((one) => {
    client = one.client;
  });
  bothWays(() => new RedisStore({ client }));
});
