import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import express from 'express';
import express4 from 'express4';
import { afterEach, describe, expect, expectTypeOf, test, vi } from 'vitest';
import { expressSessions, type SessionRequest } from '../../../src/adapters/express/middleware.js';
import { cookie, createSessions, header, type RequestSessions, type Session, type SessionsOptions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  userId: string;
  views?: number;
}

declare global {
  namespace Express {
    interface Request extends SessionRequest<Data> {}
  }
}

const running: Server[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  running.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const store = countingStore();
  const sessions = createSessions<Data>({ store, ...options });
  const views = async (token: string) => (await sessions.fromToken(token)).session?.data.views;
  const get = (url: string, token?: string) => fetch(url, token ? { headers: { authorization: `Bearer ${token}` } } : {});
  return { store, sessions, views, get };
}

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
  app.use((error: { status?: number; message: string }, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    res.status(error.status ?? 500).json({ error: error.message });
  });
  return app;
}

const hosts: [string, () => express.Express][] = [
  ['Express 5', () => express()],
  ['Express 4', () => express4()],
];

describe.each(hosts)('%s', (_name, makeApp) => {
  test('persists over requests, counts, and ends with logout', async () => {
    const { sessions, get } = setUp();
    const url = await listen(counter(makeApp(), sessions));
    expect(await (await get(url)).json()).toEqual({ anonymous: true });
    const login = await (await fetch(`${url}/login`, { method: 'POST' })).json();
    expect(login.same).toBe(true);
    expect(await (await get(url, login.token)).json()).toEqual({ userId: 'ann', views: 2 });
    expect(await (await get(url, login.token)).json()).toEqual({ userId: 'ann', views: 3 });
    const logout = await fetch(`${url}/logout`, { method: 'POST', headers: { authorization: `Bearer ${login.token}` } });
    expect(await logout.json()).toEqual({ session: null });
    expect(await (await get(url, login.token)).json()).toEqual({ anonymous: true });
  });

  test('rule 18: saves before the response ends, also of a stream or redirect, and drops the changes of an answer of 5xx', async () => {
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

  test('invariant 8: anonymous 0 calls, read 1, changed 2', async () => {
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

  test('invariant 6: an outage is 503 through the error handler, before the handler runs and at the save', async () => {
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

  test('rule 26: data that cannot be saved is a 422 instead of a success that did not happen', async () => {
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

describe('plain http', () => {
  type Handler = (req: IncomingMessage & SessionRequest<Data>, res: ServerResponse) => unknown;

  function plain(sessions: ReturnType<typeof setUp>['sessions'], handler: Handler, onError = (_error: unknown) => {}): RequestListener {
    const middleware = expressSessions(sessions);
    return (req, res) =>
      middleware(req, res, (error) => {
        if (!error) return void handler(req as IncomingMessage & SessionRequest<Data>, res);
        onError(error);
        res.statusCode = 500;
        res.end();
      });
  }

  test('a save that fails after the head was sent cuts the answer short', async () => {
    const { store, sessions, get } = setUp();
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('away');
    };
    const url = await listen(
      plain(sessions, (req, res) => {
        if (req.session) req.session.data.views = 1;
        res.write('part ');
        res.end('rest');
      }),
    );
    const { token } = await sessions.create({ userId: 'ann' });
    await expect(get(url, token).then((response) => response.text())).rejects.toThrow();
  });

  test('what a client that went away had changed is saved', async () => {
    const { sessions, views } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    let entered = () => {};
    const handling = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const url = await listen(
      plain(sessions, (req) => {
        if (req.session) req.session.data.views = 7;
        entered();
      }),
    );
    const client = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
    client.on('error', () => {}).end();
    await handling;
    client.destroy();
    await vi.waitFor(async () => expect(await views(token)).toBe(7));
  });

  test('a failure that nobody is left to be told of is logged', async () => {
    const errors: string[] = [];
    const { store, sessions } = setUp({ logger: { warn: () => {}, error: (message) => void errors.push(message) } });
    const { token } = await sessions.create({ userId: 'ann' });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('away');
    };
    let entered = () => {};
    const handling = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const url = await listen(
      plain(sessions, (req) => {
        if (req.session) req.session.data.views = 7;
        entered();
      }),
    );
    const client = httpRequest(url, { headers: { authorization: `Bearer ${token}` } });
    client.on('error', () => {}).end();
    await handling;
    client.destroy();
    await vi.waitFor(() => expect(errors.some((each) => each.includes('could not be saved'))).toBe(true));
  });

  test('ending twice ends once, and the callback of end is called', async () => {
    const { sessions, get } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const ended = vi.fn();
    const url = await listen(
      plain(sessions, (req, res) => {
        if (req.session) req.session.data.views = 1;
        res.end('first', ended);
        res.end('second');
      }),
    );
    expect(await (await get(url, token)).text()).toBe('first');
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce());
  });

  test('tokens are written to the response by the sources that can, beside the application’s own cookies', async () => {
    const { sessions } = setUp({ sources: [header('x-auth-token', { respond: true }), cookie('sid', { secure: false })] });
    const url = await listen(
      plain(sessions, async (req, res) => {
        res.setHeader('set-cookie', ['theme=dark', 'sid=old']);
        await req.sessions.create({ userId: 'ann' });
        await req.session?.rotate();
        res.end(req.session?.token);
      }),
    );
    const response = await fetch(url);
    const token = await response.text();
    expect(response.headers.get('x-auth-token')).toBe(token);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.getSetCookie().map((each) => each.split(';')[0])).toEqual(['theme=dark', `sid=${token}`]);
  });

  test('a login after the head was sent is HEADERS_SENT where a source would have to write', async () => {
    const { sessions, store } = setUp({ sources: [header('x-auth-token', { respond: true })] });
    const codes: unknown[] = [];
    const url = await listen(
      plain(sessions, async (req, res) => {
        res.write('head');
        await req.sessions.create({ userId: 'ann' }).catch((error: { code: string }) => codes.push(error.code));
        res.end();
      }),
    );
    await (await fetch(url)).text();
    expect(codes).toEqual(['HEADERS_SENT']);
    expect(store.calls.insert).toBe(0);
  });

  test('rule 26: a record that cannot be read fails the handler that asks for its data, not the login and logout of its holder', async () => {
    const errors: unknown[] = [];
    const { sessions, store, get } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann' });
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
    const url = await listen(
      plain(sessions, async (req, res) => {
        try {
          res.end(req.session?.data.userId ?? 'anonymous');
        } catch (error) {
          errors.push(error);
          res.statusCode = 500;
          res.end((await req.sessions.create({ userId: 'bob' })).token);
        }
      }),
    );
    expect((await get(url, token)).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ code: 'INVALID_DATA', status: 500 })]);
  });
});

test('invariant 10: the types of the request', () => {
  expectTypeOf<express.Request['session']>().toEqualTypeOf<Session<Data> | null>();
  expectTypeOf<express.Request['sessions']>().toEqualTypeOf<RequestSessions<Data>>();
});
