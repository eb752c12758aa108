// All in one file: the tests share a set-up of their own.

import { Readable } from 'node:stream';
import { initTRPC } from '@trpc/server';
import { type FastifyTRPCPluginOptions, fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest';
import { fastifySessions } from '../../../src/adapters/fastify/index.js';
import { trpcSessions } from '../../../src/adapters/trpc/index.js';
import { useSession } from '../../../src/adapters/yoga/index.js';
import {
  bearer,
  cookie,
  createSessions,
  header,
  isSessionError,
  requireFresh,
  requireSession,
  type Session,
  type SessionContext,
  type SessionsOptions,
} from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';
import type { ContractData } from '../contract.js';

type Data = ContractData;

/** The part of Fastify that Yoga's documentation passes on. */
interface Served {
  req: FastifyRequest;
  reply: FastifyReply;
}

async function setUp(options: SessionsOptions<Data> = {}) {
  const clock = testClock();
  const store = countingStore();
  const errors: string[] = [];
  const logger = { warn: () => undefined, error: (line: string) => void errors.push(line) };
  const sessions = createSessions<Data>({ store, now: clock.now, logger, ...options });
  const { token } = await sessions.create({ userId: 'ann', theme: 'light' });
  store.reset();
  const app = fastify({ forceCloseConnections: true });
  onTestFinished(() => app.close());
  app.register(fastifySessions(sessions));
  await app.after();
  const asAnn = (url: string) => app.inject({ url, headers: { authorization: `Bearer ${token}` } });
  const theme = async () => (await sessions.fromToken(token)).session?.data.theme;
  return { app, asAnn, clock, errors, sessions, store, token, theme };
}

function change({ session }: FastifyRequest): void {
  if (session) session.data.theme = 'dark';
}

describe('the final answer decides', () => {
  test.each([
    ['an answer of 200', 200, 'dark'],
    ['an answer of 404', 404, 'dark'],
    ['an answer of 500', 500, 'light'],
  ])('rule 18: %s decides', async (_, status, expected) => {
    const { app, asAnn, theme } = await setUp();
    app.get('/', (request, reply) => {
      change(request);
      return reply.code(status).send('x');
    });
    expect((await asAnn('/')).statusCode).toBe(status);
    expect(await theme()).toBe(expected);
  });

  test.each([
    [201, 'dark'],
    [404, 'dark'],
    [500, 'light'],
  ])('rule 18: a Fetch response of %i decides', async (status, expected) => {
    const { app, asAnn, theme } = await setUp();
    app.get('/', async (request) => {
      change(request);
      return new Response('x', { status });
    });
    expect((await asAnn('/')).statusCode).toBe(status);
    expect(await theme()).toBe(expected);
  });

  test('rule 18: an error that the application answers with 400 saves the changes', async () => {
    const { app, asAnn, theme } = await setUp();
    app.setErrorHandler((_error, _request, reply) => reply.code(400).send('bad'));
    app.get('/', (request) => {
      change(request);
      throw new Error('oops');
    });
    expect((await asAnn('/')).statusCode).toBe(400);
    expect(await theme()).toBe('dark');
  });

  test('rule 18: changes by the body of a stream are saved at its end', async () => {
    const { app, asAnn, theme } = await setUp();
    app.get('/', (request, reply) => {
      async function* body() {
        yield 'a';
        change(request);
        yield 'b';
      }
      return reply.send(Readable.from(body()));
    });
    expect((await asAnn('/')).body).toBe('ab');
    await vi.waitFor(async () => expect(await theme()).toBe('dark'));
  });

  test('rule 18: a login of an answer that fails is undone before the body of the answer', async () => {
    const { app, asAnn, store } = await setUp();
    const counts: unknown[] = [];
    app.get('/', async (request, reply) => {
      await request.sessions.create({ userId: 'bob', theme: '' });
      counts.push(await store.count?.());
      async function* body() {
        counts.push(await store.count?.());
        yield 'oops';
      }
      return reply.code(500).send(Readable.from(body()));
    });
    expect((await asAnn('/')).body).toBe('oops');
    expect(counts).toEqual([2, 1]);
  });

  test('rule 18: a hijacked reply is saved before it ends', async () => {
    const { app, asAnn, theme, store, errors } = await setUp();
    app.get('/', (request, reply) => {
      change(request);
      reply.hijack();
      reply.raw.end('raw');
    });
    expect((await asAnn('/')).body).toBe('raw');
    expect(await theme()).toBe('dark');
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const failed = await asAnn('/');
    // It changes nothing any more, so nothing must be saved.
    expect([failed.statusCode, errors.length]).toEqual([200, 0]);
  });

  test('invariant 6: a hijacked reply whose changes cannot be saved is 503, and logged', async () => {
    const { app, asAnn, theme, store, errors } = await setUp();
    app.get('/', (request, reply) => {
      change(request);
      reply.hijack();
      reply.raw.statusCode = 201;
      reply.raw.end('raw');
    });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const answer = await asAnn('/');
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, 'application/problem+json']);
    expect(answer.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', status: 503 });
    expect(answer.body).not.toContain('db.internal');
    expect(errors).toContainEqual(expect.stringContaining('hijacked request'));
    expect(await theme()).toBe('light');
  });
});

describe('errors', () => {
  test('rule 26: a refusal is a 401 problem with its challenge', async () => {
    const { app, asAnn, clock } = await setUp();
    app.get('/me', (request) => requireSession(request).data);
    app.get('/fresh', async (request) => requireFresh(request, '1m').data);
    app.get('/late', async (request) => {
      await Promise.resolve();
      return requireFresh(request, '1m').data;
    });
    const anonymous = await app.inject('/me');
    expect([anonymous.statusCode, anonymous.headers['content-type']]).toEqual([401, 'application/problem+json']);
    expect(anonymous.json()).toEqual({ title: 'A session is required', status: 401, code: 'UNAUTHENTICATED' });
    expect(anonymous.headers['www-authenticate']).toBe('Bearer');
    clock.advance(61_000);
    const stale = await asAnn('/fresh');
    expect([stale.json().code, stale.headers['www-authenticate']]).toEqual([
      'STEP_UP_REQUIRED',
      'Bearer error="insufficient_user_authentication", max_age=60',
    ]);
    expect((await asAnn('/late')).headers['www-authenticate']).toBe('Bearer');
  });

  test('rule 26: an answer to HEAD has the length of the problem', async () => {
    const { app } = await setUp();
    app.route({ url: '/me', method: ['GET', 'HEAD'], handler: (request) => requireSession(request).data });
    const [head, get] = [await app.inject({ method: 'HEAD', url: '/me' }), await app.inject('/me')];
    expect([head.statusCode, head.body]).toEqual([401, '']);
    for (const answer of [head, get]) expect(answer.headers['content-length']).toBe(String(get.body.length));
  });

  test('a hook before the plugin may answer, or fail, without it', async () => {
    const sessions = createSessions<Data>();
    const app = fastify();
    onTestFinished(() => app.close());
    app.addHook('onRequest', async (request, reply) => {
      if (request.url === '/closed') return reply.code(403).send('closed');
      if (request.url === '/refused') requireSession({ session: null });
    });
    app.register(fastifySessions(sessions));
    app.get('/*', () => 'open');
    const answers = await Promise.all(['/', '/closed', '/refused'].map((url) => app.inject(url)));
    expect(answers.slice(0, 2).map(({ statusCode, body }) => [statusCode, body])).toEqual([
      [200, 'open'],
      [403, 'closed'],
    ]);
    expect([answers[2]?.statusCode, answers[2]?.json().code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  test('rule 18: a hook before the plugin that fails the answer drops the changes', async () => {
    const sessions = createSessions<Data>();
    const { token } = await sessions.create({ userId: 'ann', theme: 'light' });
    const app = fastify({ forceCloseConnections: true });
    onTestFinished(() => app.close());
    app.addHook('onSend', async (_, reply) => {
      if (reply.statusCode < 400) throw new Error('this answer is wrong');
    });
    app.register(fastifySessions(sessions)).get('/', async (request) => void change(request));
    const { statusCode } = await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } });
    expect([statusCode, (await sessions.fromToken(token)).session?.data.theme]).toEqual([500, 'light']);
  });

  test('rule 26: an error handler of the application receives the error, and its answer stays', async () => {
    const { app } = await setUp();
    app.setErrorHandler((error, _request, reply) =>
      reply.code(418).send({ own: isSessionError(error) && error.code, message: 'x' }),
    );
    app.get('/me', (request) => requireSession(request).data);
    const answer = await app.inject('/me');
    expect([answer.statusCode, answer.json()]).toEqual([418, { own: 'UNAUTHENTICATED', message: 'x' }]);
  });

  test.each<[string, unknown]>([
    ['a buffer', Buffer.from('own')],
    ['a stream', Readable.from(['own'])],
    ['a text that is no JSON', 'own'],
  ])('rule 26: the answer of an error handler of the application stays, if it is %s', async (_, payload) => {
    const { app } = await setUp();
    app.get('/', (request) => requireSession(request).data);
    app.setErrorHandler((_error, _request, reply) => reply.code(418).send(payload));
    const answer = await app.inject('/');
    expect([answer.statusCode, answer.body]).toEqual([418, 'own']);
  });

  test('invariant 6: a change that cannot be saved is 503, whatever the handler answered', async () => {
    const { app, asAnn, store } = await setUp();
    app.get('/', (request, reply) => {
      change(request);
      return reply.header('location', '/new').send({ saved: true });
    });
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('db.internal refused');
    };
    const answer = await asAnn('/');
    expect([answer.statusCode, answer.json().code]).toEqual([503, 'STORE_UNAVAILABLE']);
    expect(answer.body).not.toContain('db.internal');
  });

  test('rule 26: an error inside the server is logged, and reveals nothing', async () => {
    const { app, asAnn, errors, store, token } = await setUp();
    const record = await store.find(token.slice(3, 39));
    if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
    app.get('/', (request) => request.session?.data ?? null);
    expect((await asAnn('/')).json()).toEqual({ title: 'Internal server error', status: 500, code: 'INTERNAL' });
    expect(errors).toContainEqual(expect.stringContaining('a request failed'));
  });
});

describe('one request', () => {
  test('request.session follows a login of a hook, and a logout', async () => {
    const { app, asAnn } = await setUp();
    app.addHook('preHandler', async (request) => {
      if (!request.session) await request.sessions.create({ userId: 'guest', theme: '' });
    });
    app.get('/', (request) => request.session?.data.userId);
    app.get('/logout', async (request) => {
      await request.session?.destroy();
      return { session: request.session };
    });
    expect((await app.inject('/')).body).toBe('guest');
    expect((await asAnn('/')).body).toBe('ann');
    expect((await asAnn('/logout')).json()).toEqual({ session: null });
  });

  test('the plugin has a name, for hasPlugin() and printPlugins()', async () => {
    const { app } = await setUp();
    await app.ready();
    expect(app.hasPlugin('token-sessions')).toBe(true);
    expect(app.printPlugins()).toContain('token-sessions');
    expect(app.pluginName).toContain('-> token-sessions');
  });

  test('the plugin marks applications and requests as other copies of the package expect', async () => {
    const { app } = await setUp();
    const marks: boolean[] = [Symbol.for('token-sessions.fastify.installed') in app];
    app.get('/', (request) => {
      marks.push(Symbol.for('token-sessions.fastify.shown') in request);
      return 'ok';
    });
    await app.inject('/');
    expect(marks).toEqual([true, true]);
  });

  test('a plugin that is registered twice works once', async () => {
    const { app, asAnn, sessions, store } = await setUp();
    app.register(async (inner) => {
      inner.register(fastifySessions(sessions));
      inner.get('/inner', (request) => {
        change(request);
        return 'ok';
      });
    });
    expect((await asAnn('/inner')).body).toBe('ok');
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  });

  test('rule 16: a scope with sessions of another createSessions has those, and no user of the outer ones', async () => {
    const { app, sessions, theme, token } = await setUp({ sources: [bearer({ respond: true })] });
    const admins = createSessions<Data>({ sources: [header('x-admin', { respond: true })] });
    const admin = await admins.create({ userId: 'root', theme: 'light' });
    app.register(async (scope) => {
      scope.register(fastifySessions(admins));
      scope.register(fastifySessions(sessions));
      scope.get('/admin', (request) => request.session?.data.userId ?? 'anonymous');
      scope.post('/admin/login', async (request) => {
        await request.sessions.create({ userId: 'ben', theme: 'dark' });
        return 'in';
      });
    });
    app.get('/user', (request) => request.session?.data.userId ?? 'anonymous');
    const asUser = { authorization: `Bearer ${token}` };
    const asBoth = { ...asUser, 'x-admin': admin.token };
    expect((await app.inject({ url: '/admin', headers: asUser })).body).toBe('anonymous');
    expect((await app.inject({ url: '/admin', headers: asBoth })).body).toBe('root');
    expect((await app.inject({ url: '/user', headers: asBoth })).body).toBe('ann');
    const { headers } = await app.inject({ method: 'POST', url: '/admin/login', headers: asUser });
    expect([typeof headers['x-admin'], headers['session-token'], await theme()]).toEqual([
      'string',
      undefined,
      'light',
    ]);
  });

  test('rule 16: of two createSessions in one scope, a request has the session of the later one', async () => {
    const { app, token } = await setUp();
    const admins = createSessions<Data>({ sources: [header('x-admin')] });
    const admin = await admins.create({ userId: 'root', theme: 'light' });
    app.register(fastifySessions(admins));
    app.get('/', (request) => request.session?.data.userId ?? 'anonymous');
    const asUser = { authorization: `Bearer ${token}` };
    expect((await app.inject({ url: '/', headers: asUser })).body).toBe('anonymous');
    expect((await app.inject({ url: '/', headers: { ...asUser, 'x-admin': admin.token } })).body).toBe('root');
  });

  test('tRPC and Yoga share the session and its load', async () => {
    const { app, sessions, store, token } = await setUp();
    const { createContext, responseMeta, requireSession: required } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({ whoAmI: t.procedure.concat(required).query(({ ctx }) => ctx.session.data.userId) });
    const options: FastifyTRPCPluginOptions<typeof router> = {
      prefix: '/trpc',
      trpcOptions: { router, createContext, responseMeta },
    };
    app.register(fastifyTRPCPlugin, options);
    const yoga = createYoga<Served, SessionContext<Data>>({
      logging: false,
      plugins: [useSession(sessions)],
      schema: createSchema<SessionContext<Data> & Served>({
        typeDefs: 'type Query { whoAmI: String }',
        resolvers: {
          Query: { whoAmI: (_: unknown, _args: unknown, { session }: SessionContext<Data>) => session?.data.userId },
        },
      }),
    });
    app.route({
      url: '/graphql',
      method: ['GET', 'POST'],
      handler: (request, reply) => yoga.handleNodeRequestAndResponse(request, reply, { req: request, reply }),
    });
    const url = await app.listen({ port: 0 });
    const headers = { authorization: `Bearer ${token}` };
    expect(await (await fetch(`${url}/trpc/whoAmI`, { headers })).json()).toEqual({ result: { data: 'ann' } });
    expect(store.total()).toBe(1);
    store.reset();
    expect(await (await fetch(`${url}/graphql?query={whoAmI}`, { headers })).json()).toEqual({
      data: { whoAmI: 'ann' },
    });
    expect(store.total()).toBe(1);
  });

  test('rule 24: a login keeps the cookies and CORS headers of the application', async () => {
    const { app } = await setUp({ sources: [bearer({ respond: true }), cookie()] });
    app.post('/login', async (request, reply) => {
      void reply
        .header('set-cookie', 'theme=dark')
        .header('set-cookie', 'lang=en')
        .header('access-control-expose-headers', 'ETag');
      return (await request.sessions.create({ userId: 'bob', theme: '' })).token;
    });
    const answer = await app.inject({ method: 'POST', url: '/login' });
    const cookies = [answer.headers['set-cookie']].flat().map((each) => each?.split(';')[0]);
    expect(cookies).toEqual(['theme=dark', 'lang=en', `__Host-session=${answer.body}`]);
    expect(answer.headers['access-control-expose-headers']).toBe('ETag, Session-Token');
    expect(answer.headers['session-token']).toBe(answer.body);
  });
});

test('invariant 10: the request is typed', () => {
  expectTypeOf<FastifyRequest['session']>().toEqualTypeOf<Session<Data> | null>();
  expectTypeOf(requireSession<Data>).toBeCallableWith({} as FastifyRequest);
});
