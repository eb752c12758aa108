// All in one file: each part is about the headers that one function gives to an answer.
import { TRPCError } from '@trpc/server';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import express from 'express';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, describe, expect, test } from 'vitest';
import type { ContextOptions, ResponseMeta, ResponseMetaOptions } from '../../../src/adapters/trpc/index.js';
import { cookie, createSessions, header, SessionError, type SessionsOptions } from '../../../src/index.js';
import { type Handlers, makeApp } from './support/app.js';
import { ANN, bearerHeaders, type Data, openBench } from './support/bench.js';
import { collect, failure, httpClient } from './support/clients.js';
import { httpHosts, listening, overFetch, type Serve } from './support/hosts.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const handlers: Handlers<Data> = {
  open: {
    login: async ({ sessions }) => (await sessions.create(ANN)).token,
    who: ({ session }) => session?.data.userId ?? null,
  },
  own: { logout: ({ session }) => session.destroy(), rotate: ({ session }) => session.rotate() },
  streams: {
    late: async function* ({ sessions }) {
      yield (await sessions.create(ANN)).token;
    },
  },
};

const written = {
  sources: [header('x-auth-token', { respond: true }), cookie('session', { secure: false, csrf: false })],
};

async function bench(serve: Serve = overFetch, sessions: SessionsOptions<Data> = written, responseMeta = true) {
  const opened = await openBench(handlers, { serve, sessions, responseMeta });
  stops.push(opened.host.stop);
  /** One call, and its whole response. */
  const call = (path: string, name: string, headers: Record<string, string> = {}, query = '') =>
    opened.host.fetch(`${opened.host.url}/${path}${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(query === '' ? name : { 0: name }),
    });
  return { ...opened, call };
}

describe.each(httpHosts)('the response over %s', (_, serve) => {
  test.each([true, false])(
    'invariant 4: a new token is written once, and is not cacheable (responseMeta: %s)',
    async (responseMeta) => {
      const { call } = await bench(serve, written, responseMeta);
      const { headers } = await call('open', 'login');
      expect(headers.get('x-auth-token')).toMatch(/^ts_[^,]+$/);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.getSetCookie()).toHaveLength(1);
      expect(headers.getSetCookie()[0]).toMatch(/^session=ts_/);
    },
  );

  test('the end of a session is written, and other calls write nothing', async () => {
    const { call, login } = await bench(serve);
    const token = await login();
    const read = await call('open', 'who', { 'x-auth-token': token });
    expect([read.headers.get('x-auth-token'), read.headers.get('cache-control'), read.headers.getSetCookie()]).toEqual(
      [null, null, []],
    );
    const { headers } = await call('own', 'logout', { 'x-auth-token': token });
    expect(headers.get('x-auth-token')).toBe('');
    expect(headers.getSetCookie()[0]).toMatch(/^session=;/);
  });

  test('a batch writes tokens as well', async () => {
    const { call } = await bench(serve);
    const { headers } = await call('open', 'login', {}, '?batch=1');
    expect(headers.get('x-auth-token')).toMatch(/^ts_[^,]+$/);
    expect(headers.getSetCookie()).toHaveLength(1);
  });

  test.each([true, false])(
    'HEADERS_SENT: a login under httpBatchStreamLink fails before anything is inserted (responseMeta: %s)',
    async (responseMeta) => {
      const { client, store } = await bench(serve, written, responseMeta);
      const { code, text } = await failure(client('stream').open.mutate('login'));
      expect(code).toBe('INTERNAL_SERVER_ERROR');
      expect(text).not.toContain('x-auth-token');
      expect(store.calls.insert).toBe(0);
    },
  );

  test.each([true, false])(
    'with bearer() alone it succeeds, and is not cacheable (responseMeta: %s)',
    async (responseMeta) => {
      const { client, host, call } = await bench(serve, {}, responseMeta);
      const token = await client('stream').open.mutate('login');
      expect(await httpClient('stream', { ...host, headers: bearerHeaders(String(token)) }).read.query('who')).toBe(
        'ann',
      );
      const { headers } = await call('open', 'login', { 'trpc-accept': 'application/jsonl' }, '?batch=1');
      expect(headers.get('cache-control')).toBe('no-store');
    },
  );

  test.each([true, false])(
    'HEADERS_SENT: a login in the body of an SSE subscription comes too late (responseMeta: %s)',
    async (responseMeta) => {
      const { store, sessions, host } = await bench(serve, written, responseMeta);
      const { token } = await sessions.create(ANN);
      store.reset();
      const { stream } = httpClient('subscription', { ...host, headers: { 'x-auth-token': token } });
      const values: unknown[] = [];
      // After an internal error the client reconnects, and does not see the error.
      const seen = new Promise<void>((resolve) => {
        store.before = (verb) => {
          if (verb === 'insert') values.push('inserted');
        };
        const subscription = stream.subscribe('late', {
          onData: (value) => values.push(value),
          onConnectionStateChange: ({ state, error }) => {
            if (state === 'connecting' && error) resolve();
          },
        });
        stops.push(() => subscription.unsubscribe());
      });
      await seen;
      expect(values).toEqual([]);
    },
  );
});

describe('responseMeta and the application’s own', () => {
  type Own = (options: ResponseMetaOptions<Data> & { readonly type: string }) => ResponseMeta;

  async function answerWith(own: Own, path: string, name: string, host: 'fetch' | 'express' = 'fetch', bare = false) {
    const sessions = createSessions<Data>(written);
    const app = makeApp(sessions, handlers);
    const responseMeta = app.responseMeta(own);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(name) };
    if (host === 'fetch') {
      const createContext = bare ? () => app.createContext({ headers: {} }) : app.createContext;
      const req = new Request(`http://localhost/${path}`, init);
      return fetchRequestHandler({ endpoint: '/', req, router: app.router, createContext, responseMeta });
    }
    const server = express();
    server.use((_, res, next) => {
      res.setHeader('set-cookie', 'locale=en');
      next();
    });
    server.use(
      '/trpc',
      createExpressMiddleware({ router: app.router, createContext: app.createContext, responseMeta }),
    );
    const served = await listening(server);
    stops.push(served.stop);
    return served.fetch(`${served.url}/${path}`, init);
  }

  const hosts = [
    ['fetch', 'fetch', false],
    ['fetch, of which the context has only the headers', 'fetch', true],
    ['express', 'express', false],
  ] as const;

  test.each(hosts)('its headers and status are kept; a token is never cacheable (%s)', async (_, host, bare) => {
    const own: Own = ({ type }) => ({
      status: 202,
      headers: new Headers({ 'x-own': type, 'cache-control': 'public, max-age=60' }),
    });
    const response = await answerWith(own, 'open', 'login', host, bare);
    expect(response.status).toBe(202);
    expect(response.headers.get('x-own')).toBe('mutation');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('x-auth-token')).toMatch(/^ts_[^,]+$/);
    const read = await answerWith(own, 'open', 'who', host, bare);
    expect(read.headers.get('cache-control')).toBe('public, max-age=60');
  });

  test.each(hosts)('its cookies are sent together with the library’s (%s)', async (_, host, bare) => {
    const own: Own = () => ({
      headers: { 'set-cookie': ['theme=dark', 'tab=1'], 'x-own': 'yes', 'x-none': undefined },
    });
    const { headers } = await answerWith(own, 'open', 'login', host, bare);
    const names = headers.getSetCookie().map((each) => each.split('=')[0]);
    expect(names.sort()).toEqual([...(host === 'express' ? ['locale'] : []), 'session', 'tab', 'theme']);
    expect([headers.get('x-own'), headers.get('x-none')]).toEqual(['yes', null]);
  });

  const schema = createSchema({ typeDefs: 'type Query { ok: Boolean }' });

  test.each(hosts)('its headers may be those of another Fetch implementation (%s)', async (_, host, bare) => {
    const foreign = new (createYoga({ schema }).fetchAPI.Headers)();
    expect(foreign instanceof Headers).toBe(false);
    foreign.append('x-own', 'yes');
    foreign.append('set-cookie', 'theme=dark');
    foreign.append('set-cookie', 'tab=1');
    const { headers } = await answerWith(() => ({ headers: foreign }), 'open', 'login', host, bare);
    expect(headers.get('x-own')).toBe('yes');
    expect(headers.getSetCookie()).toEqual(expect.arrayContaining(['theme=dark', 'tab=1']));
  });

  test('headers of the same name win over the library’s', async () => {
    const own: Own = () => ({ headers: new Headers({ 'x-auth-token': 'mine' }) });
    expect((await answerWith(own, 'open', 'login', 'fetch', true)).headers.get('x-auth-token')).toBe('mine');
  });

  test('a Node response that already has cookies keeps them', async () => {
    const { headers } = await answerWith(() => ({}), 'open', 'login', 'express');
    expect(headers.getSetCookie().map((each) => each.split('=')[0])).toEqual(['locale', 'session']);
  });

  test("without a context, or with a foreign one, only the application's remain", () => {
    const { responseMeta } = makeApp(createSessions<Data>(), handlers);
    const rest = { type: 'unknown', eagerGeneration: false };
    expect(responseMeta({ ctx: undefined, ...rest })).toEqual({});
    expect(responseMeta(() => ({ status: 418 }))({ ctx: null, ...rest })).toEqual({ status: 418 });
  });

  test('the status is that of a lone error of the library, and otherwise stays as it is', () => {
    const sessions = createSessions<Data>();
    const { createContext, responseMeta } = makeApp(sessions, handlers);
    const failed = new TRPCError({
      code: 'INTERNAL_SERVER_ERROR',
      cause: new SessionError('LIMIT_REACHED', 'too many'),
    });
    const status = (errors: TRPCError[], data: unknown[], own?: number) => {
      const options = { ctx: createContext({ headers: {} }), eagerGeneration: false, errors, data };
      return own === undefined ? responseMeta(options).status : responseMeta(() => ({ status: own }))(options).status;
    };
    expect([status([failed], []), status([failed], [{}])]).toEqual([429, 429]);
    expect([status([failed], [{}, {}]), status([failed, failed], []), status([], [{}])]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(status([failed], [{}], 418)).toBe(418);
  });

  test('the headers of a context from fromHeaders() are sent too', async () => {
    const sessions = createSessions<Data>(written);
    const { router, responseMeta } = makeApp(sessions, handlers);
    const response = await fetchRequestHandler({
      endpoint: '/',
      req: new Request('http://localhost/open', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '"login"',
      }),
      router,
      createContext: ({ req }) => sessions.fromHeaders(req.headers),
      responseMeta,
    });
    expect(response.headers.get('x-auth-token')).toMatch(/^ts_/);
    expect(response.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a context that was made without info', () => {
  test.each(['trpc-accept', 'accept'])('a streamed response is recognised by %s', async (name) => {
    const sessions = createSessions<Data>(written);
    const { createContext } = makeApp(sessions, handlers);
    const { sessions: handle } = createContext({
      req: new Request('http://localhost', { headers: { [name]: 'application/jsonl' } }),
    });
    await expect(handle.create(ANN)).rejects.toMatchObject({ code: 'HEADERS_SENT' });
  });

  test('the body of a subscription counts as after the head', async () => {
    const sessions = createSessions<Data>(written);
    const app = makeApp(sessions, handlers);
    const { token } = await sessions.create(ANN);
    const caller = app.router.createCaller(app.createContext({ headers: { 'x-auth-token': token } }));
    const stream = await caller.stream('late');
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ cause: { code: 'HEADERS_SENT' } });
  });

  test.each(httpHosts)('a streamed login is not cacheable (%s)', async (_, serve) => {
    const app = makeApp(createSessions<Data>(), handlers);
    const createContext = (options: ContextOptions) => app.createContext({ ...options, info: undefined });
    const host = await serve({ ...app, createContext });
    stops.push(host.stop);
    const response = await host.fetch(`${host.url}/open?batch=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'trpc-accept': 'application/jsonl' },
      body: JSON.stringify({ 0: 'login' }),
    });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('ts_');
  });

  test('responseMeta seals a response that it knows to be streamed', async () => {
    const sessions = createSessions<Data>(written);
    const { createContext, responseMeta } = makeApp(sessions, handlers);
    const ctx = createContext({ headers: {} });
    const { headers } = responseMeta({ ctx, eagerGeneration: true });
    expect(new Headers(headers instanceof Headers ? headers : {}).get('cache-control')).toBe('no-store');
    await expect(ctx.sessions.create(ANN)).rejects.toMatchObject({ code: 'HEADERS_SENT' });
  });
});

test('a subscription over SSE still works with a source that writes', async () => {
  const { host, sessions } = await bench();
  const { token } = await sessions.create(ANN);
  const { stream } = httpClient('subscription', { ...host, headers: { 'x-auth-token': token } });
  await expect(collect((each) => stream.subscribe('missing', each))).rejects.toThrow('no handler');
});
