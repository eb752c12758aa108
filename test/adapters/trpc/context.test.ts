import { awsLambdaRequestHandler } from '@trpc/server/adapters/aws-lambda';
import { createExpressMiddleware } from '@trpc/server/adapters/express';
import express from 'express';
import { describe, expect, test } from 'vitest';
import { type ContextOptions, trpcSessions } from '../../../src/adapters/trpc/index.js';
import { cookie, createSessions, header, type RequestSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { makeApp } from './support/app.js';
import { ANN, bearerHeaders, type Data, openBench } from './support/bench.js';
import { collect, httpClient } from './support/clients.js';
import { listening, overExpress, overFetch } from './support/hosts.js';

async function setUp(options = {}) {
  const store = countingStore();
  const sessions = createSessions<Data>({ store, ...options });
  const { createContext } = trpcSessions(sessions);
  const { token } = await sessions.create(ANN);
  store.reset();
  const userOf = async (given: ContextOptions) => (await createContext(given).sessions.load())?.data.userId ?? null;
  return { store, sessions, createContext, token, userOf };
}

describe('createContext', () => {
  test('invariants 6 and 8: makes no store call, and does not fail in an outage', async () => {
    const { createContext, token, store } = await setUp();
    store.before = () => {
      throw new Error('down');
    };
    const ctx = createContext({ headers: bearerHeaders(token) });
    expect(Object.keys(ctx)).toEqual(['sessions']);
    expect(store.total()).toBe(0);
  });

  test('reads the headers of a Fetch request, a Node record, a Lambda event of either version and bare headers', async () => {
    const { userOf, token } = await setUp();
    const headers = bearerHeaders(token);
    expect(await userOf({ req: new Request('http://localhost', { headers }) })).toBe('ann');
    expect(await userOf({ req: { headers } })).toBe('ann');
    expect(
      await userOf({
        event: { headers: { Authorization: `Bearer ${token}` }, requestContext: { httpMethod: 'POST' } },
      }),
    ).toBe('ann');
    expect(await userOf({ event: { headers } })).toBe('ann');
    expect(await userOf({ event: { headers: null } })).toBeNull();
    expect(await userOf({ headers })).toBe('ann');
    expect(await userOf({ headers: new Headers(headers) })).toBe('ann');
    expect(await userOf({ headers: {} })).toBeNull();
  });

  test('reads cookies of Lambda’s list, and uses the method to decide who may have sent them', async () => {
    const { userOf, token } = await setUp({ sources: [cookie('session', { secure: false })] });
    const text = `session=${token}`;
    const foreign = { 'sec-fetch-site': 'cross-site' };
    const lambda = (method: string) => ({
      headers: foreign,
      cookies: ['a=b', text],
      requestContext: { http: { method } },
    });
    expect(await userOf({ event: lambda('GET') })).toBe('ann');
    expect(await userOf({ event: lambda('POST') })).toBeNull();
    const old = (httpMethod: string) => ({ headers: { ...foreign, Cookie: text }, requestContext: { httpMethod } });
    expect(await userOf({ event: old('GET') })).toBe('ann');
    expect(await userOf({ event: old('POST') })).toBeNull();
    expect(await userOf({ req: { headers: { ...foreign, cookie: text }, method: 'GET', url: '/' } })).toBe('ann');
    expect(await userOf({ req: { headers: { ...foreign, cookie: text }, method: 'POST', url: '/' } })).toBeNull();
  });

  test('a token of one megabyte is anonymous', async () => {
    const { userOf, store } = await setUp();
    expect(await userOf({ headers: bearerHeaders(`ts_${'x'.repeat(1_000_000)}`) })).toBeNull();
    expect(store.total()).toBe(0);
  });

  test('rule 15: contexts of one request share its load, and each has its own call', async () => {
    const { createContext, token, store } = await setUp();
    const req = new Request('http://localhost', { headers: bearerHeaders(token) });
    const raw = { headers: bearerHeaders(token) };
    for (const [one, other] of [
      [{ req }, { req }],
      [{ req: { ...raw, raw } }, { req: raw }],
      // Proxies of a request share only its headers.
      [{ req }, { req: { headers: req.headers } }],
    ] as const) {
      store.reset();
      const [first, second] = [createContext(one).sessions, createContext(other).sessions];
      const [mine, theirs] = [await first.load(), await second.load()];
      expect([mine?.id, store.calls.find <= 1]).toEqual([theirs?.id, true]);
      expect(theirs).not.toBe(mine);
    }
  });

  test('rule 15: contexts of one headers object look the session up by its current content', async () => {
    const { createContext, token } = await setUp();
    const headers = new Headers(bearerHeaders(token));
    const before = createContext({ headers });
    headers.delete('authorization');
    expect(await createContext({ headers }).sessions.load()).toBeNull();
    expect(await before.sessions.load()).not.toBeNull();
  });

  test('connection parameters count only on WebSockets: elsewhere they come in the URL', async () => {
    const { userOf, createContext, token } = await setUp();
    const info = { connectionParams: { token } };
    expect(await userOf({ req: { headers: {} }, res: { readyState: 1, terminate: () => undefined }, info })).toBe(
      'ann',
    );
    expect(await userOf({ req: { headers: {} }, res: {}, info })).toBeNull();
    expect(await userOf({ req: { headers: {} }, resHeaders: new Headers(), info })).toBeNull();
    const subscription = { ...info, type: 'subscription' };
    expect(
      await createContext({
        req: new Request('http://localhost'),
        resHeaders: new Headers(),
        info: subscription,
      }).sessions.load(),
    ).toBeNull();
  });
});

describe('AWS Lambda', () => {
  test('an event is served like a request, and the token reaches its response', async () => {
    const sessions = createSessions<Data>({ sources: [header('X-Auth-Token', { respond: true })] });
    const app = makeApp(sessions, {
      open: { login: async ({ sessions }) => (await sessions.create(ANN)).token },
      own: { who: ({ session }) => session.data.userId },
    });
    const handle = awsLambdaRequestHandler(app);
    const call = async (path: string, name: string, headers: Record<string, string> = {}) => {
      const event = {
        version: '1.0',
        httpMethod: 'POST',
        path,
        body: JSON.stringify(name),
        headers: { 'Content-Type': 'application/json', Host: 'localhost', ...headers },
        requestContext: { httpMethod: 'POST' },
      };
      return Reflect.apply(handle, undefined, [event, {}]);
    };
    const login = await call('open', 'login');
    const token = login.headers['x-auth-token'];
    expect(token).toMatch(/^ts_/);
    expect(login.headers['cache-control']).toBe('no-store');
    expect(JSON.parse((await call('own', 'who', { 'X-AUTH-Token': token })).body)).toEqual({
      result: { data: 'ann' },
    });
  });
});

describe('a request that passes through several contexts', () => {
  test("rule 15: two tRPC contexts behind Express share one look-up, and a batch's calls share one write", async () => {
    const store = countingStore();
    const sessions = createSessions<Data>({ store });
    const app = makeApp(sessions, {
      own: { a: ({ session }) => session.data.a++, b: ({ session }) => session.data.b++ },
    });
    const admin = makeApp(sessions, { own: { c: ({ session }) => session.data.c++ } });
    const seen: RequestSessions<Data>[] = [];
    const server = express();
    server.use(async (req, res, next) => {
      const ctx = app.createContext({ req, res });
      res.setHeader('x-user', (await ctx.sessions.load())?.data.userId ?? 'nobody');
      next();
    });
    for (const [path, { router, createContext, responseMeta }] of [
      ['/trpc', app],
      ['/admin', admin],
    ] as const) {
      server.use(
        path,
        createExpressMiddleware({
          router,
          responseMeta,
          createContext: async (options) => {
            const ctx = createContext(options);
            const { req, res } = options;
            seen.push(ctx.sessions, createContext({ req, res }).sessions, admin.createContext({ req, res }).sessions);
            for (const each of seen) expect((await each.load())?.data.userId).toBe('ann');
            return ctx;
          },
        }),
      );
    }
    const host = await listening(server);
    const { token } = await sessions.create(ANN);
    store.reset();
    const headers = bearerHeaders(token);
    const { own } = httpClient('batch', { ...host, headers });
    await Promise.all([own.mutate('a'), own.mutate('b')]);
    expect(new Set(seen).size).toBe(3);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    await httpClient('single', { ...host, url: host.url.replace('trpc', 'admin'), headers }).own.mutate('c');
    expect((await sessions.fromToken(token)).session?.data).toEqual({ userId: 'ann', a: 1, b: 1, c: 1 });
    await host.stop();
  });

  test('an application’s own part of the context can use the session', async () => {
    const { sessions, login } = await openBench({});
    const token = await login();
    const { createContext } = trpcSessions(sessions);
    const own = async (options: ContextOptions) => {
      const ctx = createContext(options);
      return { ...ctx, locale: (await ctx.sessions.load())?.data.userId === 'ann' ? 'de' : 'en' };
    };
    expect(await own({ headers: bearerHeaders(token) })).toMatchObject({ locale: 'de' });
  });
});

describe('invariant 4: tokens and URLs', () => {
  test.each([
    ['fetch', overFetch],
    ['express', overExpress],
  ] as const)(
    'a subscription with headers has no token in its URL, and a token in the URL opens nothing (%s)',
    async (_, serve) => {
      const { host, login } = await openBench(
        {
          streams: {
            one: async function* () {
              yield 1;
            },
          },
        },
        { serve },
      );
      const token = await login();
      const urls: string[] = [];
      const fetch: typeof host.fetch = (input, init) => {
        urls.push(String(input));
        return host.fetch(input, init);
      };
      const { stream } = httpClient('subscription', { url: host.url, fetch, headers: bearerHeaders(token) });
      expect(await collect((handlers) => stream.subscribe('one', handlers))).toEqual([1]);
      expect(urls.join()).not.toContain(token);
      const params = encodeURIComponent(JSON.stringify({ token, authorization: `Bearer ${token}` }));
      const response = await host.fetch(
        `${host.url}/read?input=${encodeURIComponent('"x"')}&connectionParams=${params}`,
      );
      expect(response.status).toBe(404);
      const refused = await host.fetch(
        `${host.url}/generate?input=${encodeURIComponent('"x"')}&connectionParams=${params}`,
      );
      expect(refused.status).toBe(401);
      await host.stop();
    },
  );
});
