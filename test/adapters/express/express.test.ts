import { Readable } from 'node:stream';
import express from 'express';
import express4 from 'express4';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { toHttpError } from '../../../src/adapters/express/errors.js';
import { expressSessionErrors, expressSessions } from '../../../src/adapters/express/middleware.js';
import { header, type RequestSessions, type Session, SessionError } from '../../../src/index.js';
import { type Data, listen, setUp } from './support/app.js';

/** The application of the ancestor's README: a view counter, with login. */
function counter(app: express.Express, sessions: ReturnType<typeof setUp>['sessions']): express.Express {
  app.use(expressSessions(sessions));
  app.post('/login', async (req, res) => {
    const session = await req.sessions.create({ userId: 'ann', views: 0 });
    session.data.views = 1;
    res.json({ token: session.token, same: req.session === session });
  });
  app.get('/', (req, res) => {
    if (!req.session) return void res.json({ anonymous: true });
    req.session.data.views = (req.session.data.views ?? 0) + 1;
    res.json(req.session.data);
  });
  app.get('/read', (req, res) => void res.json(req.session?.data ?? null));
  app.get('/stream', (req, res) => {
    if (req.session) req.session.data.views = 41;
    Readable.from(['one ', 'two']).pipe(res);
  });
  app.get('/redirect', (req, res) => {
    if (req.session) req.session.data.views = 42;
    res.redirect('/elsewhere');
  });
  app.get('/throw', (req) => {
    if (req.session) req.session.data.views = 43;
    throw new Error('handler');
  });
  app.get('/bad', (req, res) => {
    if (req.session) req.session.data.views = Number.NaN;
    res.setHeader('x-own', '1').json({ ok: true });
  });
  app.post('/logout', async (req, res) => {
    await req.session?.destroy();
    res.json({ session: req.session });
  });
  app.use(
    (
      error: { status?: number; message: string },
      _req: express.Request,
      res: express.Response,
      _next: express.NextFunction,
    ) => {
      res.status(error.status ?? 500).json({ error: error.message });
    },
  );
  return app;
}

const hosts: [string, () => express.Express][] = [
  ['Express 5', () => express()],
  ['Express 4', () => express4()],
];

describe.each(hosts)('%s', (_name, makeApp) => {
  test('keeps and counts the views over requests, until logout', async () => {
    const { sessions, get } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    expect(await (await get(url)).json()).toEqual({ anonymous: true });
    const login = await (await fetch(`${url}/login`, { method: 'POST' })).json();
    expect(login.same).toBe(true);
    expect(await (await get(url, login.token)).json()).toEqual({ userId: 'ann', views: 2 });
    expect(await (await get(url, login.token)).json()).toEqual({ userId: 'ann', views: 3 });
    const logout = await fetch(`${url}/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${login.token}` },
    });
    expect(await logout.json()).toEqual({ session: null });
    expect(await (await get(url, login.token)).json()).toEqual({ anonymous: true });
  });

  test('rule 18: saves before the response ends, also a stream or redirect, and drops the changes of a 5xx answer', async () => {
    const { sessions, get, views } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await (await get(`${url}/stream`, token)).text()).toBe('one two');
    expect(await views(token)).toBe(41);
    await fetch(`${url}/redirect`, { redirect: 'manual', headers: { authorization: `Bearer ${token}` } });
    expect(await views(token)).toBe(42);
    expect((await get(`${url}/throw`, token)).status).toBe(500);
    expect(await views(token)).toBe(42);
  });

  test('invariant 8: an anonymous request makes no store call, a read one, a change two', async () => {
    const { store, sessions, get } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    const { token } = await sessions.create({ userId: 'ann' });
    for (const [path, sent, calls] of [
      ['/read', undefined, 0],
      ['/read', 'x', 0],
      ['/read', token, 1],
      ['/', token, 2],
    ] as const) {
      store.reset();
      await get(`${url}${path}`, sent);
      expect(store.total()).toBe(calls);
    }
  });

  test('invariant 6: an outage is 503 through the error handler, both before the handler and at the save', async () => {
    const { store, sessions, get } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    const { token } = await sessions.create({ userId: 'ann' });
    store.before = (verb) => {
      if (verb === 'find') throw new Error('secret detail');
    };
    const read = await get(`${url}/read`, token);
    expect([read.status, await read.json()]).toEqual([503, { error: 'Sessions are not available at the moment' }]);
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('secret detail');
    };
    const write = await get(url, token);
    expect([write.status, await write.json()]).toEqual([503, { error: 'Sessions are not available at the moment' }]);
  });

  test('rule 26: data that cannot be saved is 422, not a false success', async () => {
    const { sessions, get } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    const { token } = await sessions.create({ userId: 'ann' });
    const bad = await get(`${url}/bad`, token);
    expect([bad.status, await bad.json(), bad.headers.get('x-own')]).toEqual([
      422,
      { error: 'The data cannot be kept in the session' },
      null,
    ]);
  });

  test('two requests that change different fields both count', async () => {
    const { sessions, get } = setUp();
    const app = makeApp();
    app.use(expressSessions(sessions));
    let meet = 0;
    app.get('/:field', async (req, res) => {
      Object.assign(req.session?.data ?? {}, { [String(req.params['field'])]: 1 });
      meet += 1;
      await vi.waitFor(() => expect(meet).toBe(2));
      res.end();
    });
    const url = await listen(app);
    const { token } = await sessions.create({ userId: 'ann' });
    await Promise.all([get(`${url}/a`, token), get(`${url}/b`, token)]);
    expect((await sessions.fromToken(token)).session?.data).toEqual({ userId: 'ann', a: 1, b: 1 });
  });
});

test('invariant 10: requests are typed', () => {
  expectTypeOf<express.Request['session']>().toEqualTypeOf<Session<Data> | null>();
  expectTypeOf<express.Request['sessions']>().toEqualTypeOf<RequestSessions<Data>>();
});

test.each(hosts)('%s: rule 18: an error that the application answers with 400 drops the changes', async (_, make) => {
  vi.resetModules();
  const copy = await import('../../../src/adapters/express/middleware.js');
  expect(copy.expressSessionErrors).not.toBe(expressSessionErrors);
  // Rule 16: also with the error middleware of another copy of the package.
  for (const errors of [expressSessionErrors, copy.expressSessionErrors]) {
    const { sessions, views, get } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const app = make();
    app.use(expressSessions(sessions));
    app.get('/', (req) => {
      if (req.session) req.session.data.views = 7;
      throw new Error('bad input');
    });
    app.use(errors());
    app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.status(400).end();
    });
    const url = await listen(app);
    expect((await get(url, token)).status).toBe(400);
    expect(await views(token)).toBeUndefined();
  }
});

test.each(hosts)('%s: a middleware that is used twice works once', async (_, make) => {
  const { sessions, store, views, get } = setUp();
  const { token } = await sessions.create({ userId: 'ann' });
  const app = make();
  const seen: unknown[] = [];
  app.use(expressSessions(sessions));
  app.use((req, _res, next) => {
    seen.push(req.sessions, req.session);
    next();
  });
  app.use(expressSessions(sessions));
  app.get('/', (req, res) => {
    seen.push(req.sessions, req.session);
    if (req.session) req.session.data.views = 7;
    res.end();
  });
  const url = await listen(app);
  store.reset();
  await get(url, token);
  expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  expect([seen[0] === seen[2], seen[1] === seen[3]]).toEqual([true, true]);
  expect(await views(token)).toBe(7);
});

test.each(hosts)('%s: of two createSessions in one application, the later one has the request', async (_, make) => {
  const { sessions, get } = setUp();
  const { sessions: admins } = setUp({ sources: [header('x-admin')] });
  const [user, admin] = [await sessions.create({ userId: 'ann' }), await admins.create({ userId: 'root' })];
  const app = make();
  app.use(expressSessions(sessions), expressSessions(admins));
  app.get('/', (req, res) => void res.json(req.session?.data.userId ?? 'anonymous'));
  const url = await listen(app);
  expect(await (await get(url, user.token)).json()).toBe('anonymous');
  expect(await (await fetch(url, { headers: { 'x-admin': admin.token } })).json()).toBe('root');
});

test.each(hosts)(
  '%s: rule 18: of several createSessions, expressSessionErrors() drops the changes of all',
  async (_, make) => {
    const made = ['x-user', 'x-team', 'x-admin'].map((name) => setUp({ sources: [header(name)] }).sessions);
    const created = await Promise.all(made.map((each) => each.create({ userId: 'ann' })));
    const app = make();
    for (const each of made)
      app.use(expressSessions(each), (req: express.Request, _res: express.Response, next: express.NextFunction) => {
        if (req.session) req.session.data.views = 1;
        next();
      });
    app.get('/', () => {
      throw new Error('refused');
    });
    app.use(expressSessionErrors());
    app.use((_error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
      res.status(400).end();
    });
    const [user, team, admin] = created.map(({ token }) => token);
    const headers = { 'x-user': String(user), 'x-team': String(team), 'x-admin': String(admin) };
    expect((await fetch(await listen(app), { headers })).status).toBe(400);
    const left = await Promise.all(made.map((each, index) => each.find(created[index]?.id ?? '')));
    expect(left.map((each) => each?.data)).toEqual([{ userId: 'ann' }, { userId: 'ann' }, { userId: 'ann' }]);
  },
);

test.each(hosts)('%s: a copy of the request has its session and its sessions', async (_, make) => {
  const { sessions, get } = setUp();
  const { token } = await sessions.create({ userId: 'ann' });
  const app = make();
  app.use(expressSessions(sessions));
  app.get('/', (req, res) => {
    const copy = { ...req };
    res.json([copy.session === req.session, copy.sessions === req.sessions, copy.session?.data.userId]);
  });
  expect(await (await get(await listen(app), token)).json()).toEqual([true, true, 'ann']);
});

test.each(hosts)('%s: an error before the middleware reaches the error handler as it is', async (_, make) => {
  const app = make();
  const seen: unknown[] = [];
  const early = new Error('early');
  app.use((_req: express.Request, _res: express.Response, next: express.NextFunction) => next(early));
  app.use(expressSessionErrors());
  app.use((error: unknown, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    seen.push(error);
    res.status(400).end();
  });
  expect((await fetch(await listen(app))).status).toBe(400);
  expect(seen).toEqual([early]);
});

test('an error of the application goes on as it is, and one of the library gets its public form', () => {
  const own = new Error('own');
  expect(toHttpError(own)).toBe(own);
  const cause = new SessionError('LIMIT_REACHED', 'detail of the server');
  const error = toHttpError(cause);
  expect(error).toMatchObject({ status: 429, statusCode: 429, code: 'LIMIT_REACHED', expose: true, cause });
  expect(String(error)).not.toContain('detail');
});
