// All in one file: the tests share a set-up of their own.

import { trpcServer } from '@hono/trpc-server';
import { initTRPC } from '@trpc/server';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { honoSessions } from '../../../src/adapters/hono/index.js';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { useSession } from '../../../src/adapters/yoga/index.js';
import {
  bearer,
  cookie,
  createSessions,
  isSessionError,
  type RequestSessions,
  requireFresh,
  requireSession,
  type Session,
  type SessionContext,
  SessionError,
  type SessionsOptions,
} from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  userId: string;
  views?: number;
}

async function setUp(options: SessionsOptions<Data> = {}) {
  const clock = testClock();
  const store = countingStore();
  const sessions = createSessions<Data>({ store, now: clock.now, ...options });
  const { token } = await sessions.create({ userId: 'ann' });
  store.reset();
  const app = new Hono<{ Variables: SessionContext<Data> }>();
  app.use(honoSessions(sessions));
  const asAnn = (path: string, init: RequestInit = {}) =>
    app.request(path, { ...init, headers: { authorization: `Bearer ${token}`, ...Object(init.headers) } });
  const views = async () => (await sessions.fromToken(token)).session?.data.views;
  return { app, asAnn, clock, sessions, store, token, views };
}

function change({ session }: { readonly session: Session<Data> | null }): void {
  if (session) session.data.views = 7;
}

describe('the final answer decides', () => {
  test.each([
    ['an answer of 204', 204, 7],
    ['an answer of 404', 404, 7],
    ['an answer of 500', 500, undefined],
  ] as const)('rule 18: %s decides', async (_, status, expected) => {
    const { app, asAnn, views } = await setUp();
    app.get('/', (c) => {
      change(c.var);
      return c.body(null, status);
    });
    expect((await asAnn('/')).status).toBe(status);
    expect(await views()).toBe(expected);
  });

  test.each([
    ['an HTTPException of 403', new HTTPException(403), 403, 7],
    ['an HTTPException of 503', new HTTPException(503), 503, undefined],
    ['an error of the library', new SessionError('INVALID_DATA', 'bad'), 422, undefined],
  ])('rule 18: %s decides', async (_, error, status, expected) => {
    const { app, asAnn, views } = await setUp();
    app.get('/', (c) => {
      change(c.var);
      throw error;
    });
    expect((await asAnn('/')).status).toBe(status);
    expect(await views()).toBe(expected);
  });

  test('rule 18: an error that onError answers with 400 saves the changes', async () => {
    const { app, asAnn, views } = await setUp();
    app.get('/', (c) => {
      change(c.var);
      throw new Error('oops');
    });
    app.onError((_error, c) => c.text('bad', 400));
    expect((await asAnn('/')).status).toBe(400);
    expect(await views()).toBe(7);
  });

  test('an answer that cannot be saved leaves no trace on the error', async () => {
    const { app, asAnn, store } = await setUp();
    app.get('/', (c) => {
      change(c.var);
      return c.json({ saved: true }, 201, { location: '/new', 'set-cookie': 'flash=saved' });
    });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const answer = await asAnn('/');
    expect([answer.status, answer.headers.get('location'), answer.headers.getSetCookie()]).toEqual([503, null, []]);
    expect(await answer.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', status: 503 });
  });
});

describe('errors', () => {
  test('rule 26: a refusal is a 401 problem, and Hono does not log it', async () => {
    const { app, asAnn, clock } = await setUp();
    const log = vi.spyOn(console, 'error');
    app.get('/me', (c) => c.json(requireSession(c.var).data));
    app.get('/fresh', (c) => c.json(requireFresh(c.var, '1m').data));
    app.get('/late', async (c) => {
      await c.req.text();
      return c.json(requireFresh(c.var, '1m').data);
    });
    const anonymous = await app.request('/me');
    expect([anonymous.status, anonymous.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    const nonsense = await app.request('/me', { headers: { authorization: 'Bearer nonsense' } });
    expect(nonsense.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
    clock.advance(61_000);
    const stale = await asAnn('/fresh');
    expect(await stale.json()).toMatchObject({ code: 'STEP_UP_REQUIRED', status: 401 });
    expect(stale.headers.get('www-authenticate')).toBe('Bearer error="insufficient_user_authentication", max_age=60');
    expect((await asAnn('/late')).headers.get('www-authenticate')).toBe('Bearer');
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });

  test('rule 26: onError of the application comes first, and receives the status', async () => {
    const { app } = await setUp();
    app.get('/me', (c) => c.json(requireSession(c.var).data));
    app.onError((error, c) => c.json({ own: error instanceof SessionError && error.code }, 418));
    const answer = await app.request('/me');
    expect([answer.status, await answer.json()]).toEqual([418, { own: 'UNAUTHENTICATED' }]);
  });

  test('rule 26: onError of the application answers with the status of the error, which has a type that Hono takes', async () => {
    const { app } = await setUp();
    app.get('/me', (c) => c.json(requireSession(c.var).data));
    app.onError((error, c) => (isSessionError(error) ? c.json({ own: error.code }, error.status) : c.body(null, 500)));
    const answer = await app.request('/me');
    expect([answer.status, await answer.json()]).toEqual([401, { own: 'UNAUTHENTICATED' }]);
  });

  test('a missing middleware is logged, because the answer does not say it', async () => {
    await setUp();
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const bare = new Hono<{ Variables: SessionContext<Data> }>().get('/', (c) => c.json(requireSession(c.var).data));
    expect((await bare.request('/')).status).toBe(500);
    expect(String(log.mock.calls[0])).toContain('the context has no session of this library');
    log.mockRestore();
  });

  test('rule 26: without the middleware, a refusal is the same answer, which cannot say more', async () => {
    const { sessions } = await setUp();
    const bare = new Hono().get('/', async (c) => c.json(requireSession(await sessions.fromRequest(c.req.raw)).data));
    for (const headers of [{}, { authorization: 'Bearer nonsense' }]) {
      const answer = await bare.request('/', { headers });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(await answer.json()).toMatchObject({ code: 'UNAUTHENTICATED' });
    }
  });

  test('rule 26: an answer of onError that is a 500 stays, and only a 401 has a challenge', async () => {
    const { app, asAnn } = await setUp();
    app.get('/', () => {
      throw new SessionError('NOT_SUPPORTED', 'not like this');
    });
    app.get('/full', () => {
      throw new SessionError('LIMIT_REACHED', 'too many');
    });
    const full = await asAnn('/full');
    expect([full.status, full.headers.get('www-authenticate')]).toEqual([429, null]);
    app.onError((_error, c) => c.text('own', 500));
    const answer = await asAnn('/');
    expect([answer.status, await answer.text()]).toEqual([500, 'own']);
  });

  test('rule 16: an error of another copy of the package has its status too', async () => {
    const { app, asAnn, views } = await setUp();
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    app.get('/', (c) => {
      change(c.var);
      throw Object.assign(new Error('bad'), { name: 'SessionError', code: 'CONFLICT', status: 409 });
    });
    expect(await (await asAnn('/')).json()).toMatchObject({ code: 'CONFLICT', status: 409 });
    expect(await views()).toBeUndefined();
    log.mockRestore();
  });
});

describe('one request', () => {
  test('c.var.session follows a login of a middleware, and a logout', async () => {
    const { app, asAnn } = await setUp();
    app.use(async (c, next) => {
      if (!c.var.session) await c.var.sessions.create({ userId: 'guest' });
      await next();
    });
    app.get('/', (c) => c.text(c.var.session?.data.userId ?? 'nobody'));
    app.post('/logout', async (c) => {
      await c.var.session?.destroy();
      return c.json(c.var.session);
    });
    expect(await (await app.request('/')).text()).toBe('guest');
    expect(await (await asAnn('/')).text()).toBe('ann');
    expect(await (await asAnn('/logout', { method: 'POST' })).json()).toBeNull();
  });

  test('a middleware that is used twice works once', async () => {
    const errors: string[] = [];
    const logger = { warn: () => undefined, error: (line: string) => void errors.push(line) };
    const { app, asAnn, sessions, store, views } = await setUp({ logger });
    app.use('/inner/*', honoSessions(sessions));
    app.get('/inner/x', (c) => {
      change(c.var);
      return c.text('ok');
    });
    app.get('/inner/bad', () => {
      throw new SessionError('NOT_SUPPORTED', 'not like this');
    });
    expect(await (await asAnn('/inner/x')).text()).toBe('ok');
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await views()).toBe(7);
    expect((await asAnn('/inner/bad')).status).toBe(500);
    expect(errors).toEqual([expect.stringContaining('a request failed')]);
  });

  test('a request that the application serves twice is loaded twice', async () => {
    const { app, sessions, store, token } = await setUp();
    app.get('/', (c) => c.json(c.var.session?.data.views ?? 0));
    const request = new Request('https://app.example/', { headers: { authorization: `Bearer ${token}` } });
    expect(await (await app.fetch(request)).json()).toBe(0);
    await (await sessions.fromToken(token)).session?.update((data) => {
      data.views = 3;
    });
    store.reset();
    expect(await (await app.fetch(request)).json()).toBe(3);
    expect(store.calls.find).toBe(1);
  });

  test('tRPC and Yoga share the session and its load', async () => {
    const { app, asAnn, sessions, store } = await setUp();
    const { createContext, responseMeta, requireSession: required } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const whoAmI = t.procedure.concat(required).mutation(({ ctx }) => ctx.session.data.userId);
    const yoga = createYoga<object, SessionContext<Data>>({
      logging: false,
      plugins: [useSession(sessions)],
      schema: createSchema<SessionContext<Data>>({
        typeDefs: 'type Query { whoAmI: String }',
        resolvers: {
          Query: { whoAmI: (_: unknown, _args: unknown, { session }: SessionContext<Data>) => session?.data.userId },
        },
      }),
    });
    app.use('/trpc/*', trpcServer({ router: t.router({ whoAmI }), createContext, responseMeta }));
    app.use('/graphql', (c) => yoga.handle(c.req.raw, c) as Promise<Response>);
    const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
    expect(await (await asAnn('/trpc/whoAmI', json)).json()).toEqual({ result: { data: 'ann' } });
    expect(store.total()).toBe(1);
    store.reset();
    expect(await (await asAnn('/graphql', { ...json, body: '{"query":"{ whoAmI }"}' })).json()).toEqual({
      data: { whoAmI: 'ann' },
    });
    expect(store.total()).toBe(1);
  });

  test('rule 24: a login keeps the CORS headers and cookies of the application', async () => {
    const { app } = await setUp({ sources: [bearer({ respond: true }), cookie()] });
    app.use(cors({ origin: 'https://web.example', exposeHeaders: ['ETag'] }));
    app.post('/login', async (c) => {
      c.header('set-cookie', 'theme=dark', { append: true });
      const { token } = await c.var.sessions.create({ userId: 'bob' });
      return c.text(token);
    });
    const answer = await app.request('/login', { method: 'POST' });
    const token = await answer.text();
    expect(answer.headers.get('access-control-expose-headers')).toBe('ETag, Session-Token');
    expect(answer.headers.getSetCookie().map((each) => each.split(';')[0])).toEqual([
      'theme=dark',
      `__Host-session=${token}`,
    ]);
  });

  test('rule 24: a login is not cached, whatever middleware around the sessions sets', async () => {
    const sessions = createSessions<Data>({ sources: [cookie()] });
    const app = new Hono<{ Variables: SessionContext<Data> }>();
    app.use('/header', async (c, next) => {
      await next();
      c.header('cache-control', 'public');
    });
    app.use('/response', async (c, next) => {
      await next();
      c.res = new Response(c.res.body, { headers: { 'x-own': 'kept', 'cache-control': 'public' } });
      c.res.headers.set('cache-control', 'public, no-transform');
    });
    app.use('/redirect', async (c, next) => {
      await next();
      c.res = undefined;
      c.res = Response.redirect('http://localhost/');
    });
    app.use(honoSessions(sessions));
    app.get('/*', async (c) => {
      if (!c.req.query('guest')) await c.var.sessions.create({ userId: 'ann' });
      return c.text('in');
    });
    const [header, response] = [await app.request('/header'), await app.request('/response')];
    expect([header, response].map(({ headers }) => headers.getSetCookie().length)).toEqual([1, 1]);
    expect(header.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect([await response.text(), response.headers.get('x-own')]).toEqual(['in', 'kept']);
    const redirect = await app.request('/redirect');
    expect([redirect.status, redirect.headers.get('cache-control')]).toEqual([302, 'no-store']);
    expect((await app.request('/header?guest=1')).headers.get('cache-control')).toBe('public');
  });

  test('a streamed body reads the session, and saves with update()', async () => {
    const { app, asAnn, views } = await setUp();
    app.get('/events', (c) =>
      streamSSE(c, async (stream) => {
        await c.var.session?.update((data) => {
          data.views = 3;
        });
        await stream.writeSSE({ data: String(c.var.session?.data.views) });
      }),
    );
    expect(await (await asAnn('/events')).text()).toContain('data: 3');
    expect(await views()).toBe(3);
  });
});

test('invariant 10: the variables are typed, also if they are inferred', () => {
  const sessions = createSessions<Data>();
  new Hono().use(honoSessions(sessions)).get('/', (c) => {
    expectTypeOf(c.var.session).toEqualTypeOf<Session<Data> | null>();
    expectTypeOf(c.var.sessions).toEqualTypeOf<RequestSessions<Data>>();
    expectTypeOf(requireSession(c.var)).toEqualTypeOf<Session<Data>>();
    return c.text('');
  });
});
