import { initTRPC } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { honoSessions } from '../../src/adapters/hono/index.js';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { useSession } from '../../src/adapters/yoga/index.js';
import { bearer, cookie, header, requireSession, type SessionsOptions } from '../../src/index.js';
import { gate } from '../support/gate.js';
import { type Context, type Data, requestOf, setUp } from './support/handle.js';

describe('inside handle', () => {
  function setUpHosts(options: Partial<SessionsOptions<Data>> = {}) {
    const made = setUp(options);
    const { createContext, responseMeta, withSession } = trpcSessions(made.sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const procedure = t.procedure.concat(withSession);
    const router = t.router({
      whoAmI: procedure.query(({ ctx }) => ctx.session?.data.userId ?? null),
      login: procedure.mutation(async ({ ctx }) => (await ctx.sessions.create({ userId: 'ann' })).token),
      relogin: procedure.mutation(async ({ ctx }) => {
        await ctx.session?.destroy();
        await ctx.sessions.create({ userId: 'ann' });
      }),
    });
    const yoga = createYoga<object, Context>({
      logging: false,
      plugins: [useSession(made.sessions)],
      schema: createSchema<Context>({
        typeDefs: 'type Query { whoAmI: String } type Mutation { login: String relogin: String }',
        resolvers: {
          Query: { whoAmI: (_: unknown, _args: unknown, { session }: Context) => session?.data.userId },
          Mutation: {
            relogin: async (_: unknown, _args: unknown, ctx: Context) => {
              await ctx.session?.destroy();
              return (await ctx.sessions.create({ userId: 'ann' })).token;
            },
            login: async (_: unknown, _args: unknown, ctx: Context) =>
              (await ctx.sessions.create({ userId: 'ann' })).token,
          },
        },
      }),
    });
    const trpc = (req: Request) =>
      fetchRequestHandler({ endpoint: '/trpc', req, router, createContext, responseMeta });
    return { ...made, trpc, yoga };
  }

  const trpcCall = (path: string, token?: string, method = 'GET', headers: Record<string, string> = {}) =>
    new Request(`https://app.example/trpc/${path}`, {
      method,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    });
  const graphql = (query: string, token?: string) =>
    new Request('https://app.example/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query }),
    });

  test('tRPC and Yoga share one load', async () => {
    const { sessions, store, trpc, yoga } = setUpHosts();
    const { token } = await sessions.create({ userId: 'ann' });
    store.reset();
    const byTrpc = trpcCall('whoAmI', token);
    expect(await (await sessions.handle(byTrpc, () => trpc(byTrpc))).json()).toEqual({ result: { data: 'ann' } });
    expect(store.total()).toBe(1);
    store.reset();
    const byYoga = graphql('{ whoAmI }', token);
    expect(await (await sessions.handle(byYoga, () => yoga.fetch(byYoga))).json()).toEqual({
      data: { whoAmI: 'ann' },
    });
    expect(store.total()).toBe(1);
  });

  test('rule 12: tRPC and Yoga begin with the session that the handler has created', async () => {
    const { sessions, trpc, yoga } = setUpHosts();
    const byTrpc = trpcCall('whoAmI');
    const guest = async (context: Context) => context.sessions.create({ userId: 'guest' });
    const answer = await sessions.handle(byTrpc, async (context) => (await guest(context)) && trpc(byTrpc));
    expect(await answer.json()).toEqual({ result: { data: 'guest' } });
    const byYoga = graphql('{ whoAmI }');
    const response = await sessions.handle(byYoga, async (context) => (await guest(context)) && yoga.fetch(byYoga));
    expect(await response.json()).toEqual({ data: { whoAmI: 'guest' } });
  });

  test('rules 18 and 24: their login is written once, to the answer of the handler', async () => {
    const { sessions, trpc, yoga } = setUpHosts({ sources: [cookie()] });
    const byTrpc = trpcCall('login', undefined, 'POST', { 'content-type': 'application/json' });
    const byYoga = graphql('mutation { login }');
    for (const [request, serve] of [
      [byTrpc, () => trpc(byTrpc)],
      [byYoga, () => yoga.fetch(byYoga)],
    ] as const) {
      const response = await sessions.handle(request, serve);
      const [sent, ...others] = response.headers.getSetCookie();
      expect([others, response.headers.get('cache-control')]).toEqual([[], 'no-store']);
      expect(await response.text()).toContain(sent?.split(/[=;]/)[1]);
    }
  });

  test('rule 18: their login is undone if the handler fails', async () => {
    const { sessions, store, trpc } = setUpHosts();
    const request = trpcCall('login', undefined, 'POST', { 'content-type': 'application/json' });
    await sessions.handle(request, async () => {
      await trpc(request);
      return new Response(null, { status: 500 });
    });
    expect(await store.count?.()).toBe(0);
  });

  test('rule 24: a cookie that the handler wrote before tRPC streams arrives', async () => {
    const { sessions, trpc } = setUpHosts({ sources: [cookie()] });
    const request = trpcCall('whoAmI?batch=1&input={}', undefined, 'GET', { 'trpc-accept': 'application/jsonl' });
    const response = await sessions.handle(request, async (context) => {
      await context.sessions.create({ userId: 'guest' });
      return trpc(request);
    });
    expect(response.headers.getSetCookie()).toHaveLength(1);
    expect(await response.text()).toContain('guest');
  });

  test('rule 18: a streaming tRPC refuses a login that must write a cookie', async () => {
    const { sessions, store, trpc } = setUpHosts({ sources: [cookie()] });
    const request = trpcCall('login?batch=1', undefined, 'POST', {
      'trpc-accept': 'application/jsonl',
      'content-type': 'application/json',
    });
    const response = await sessions.handle(request, () => trpc(request));
    expect(await response.text()).toContain('INTERNAL_SERVER_ERROR');
    expect(store.calls.insert).toBe(0);
  });

  test('rule 15: a request object that is sent again is another request', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const request = requestOf(token);
    const logout = async (context: Context) => {
      await requireSession(context).destroy();
      return new Response();
    };
    expect((await sessions.handle(request, logout)).status).toBe(200);
    expect((await sessions.handle(request, logout)).status).toBe(401);
  });

  test('a nested handler is part of the outer one: its login waits for the outer outcome', async () => {
    const { sessions, store } = setUp({ sources: [bearer({ respond: true })] });
    const request = requestOf();
    const login = async (context: Context) => new Response((await context.sessions.create({ userId: 'ann' })).token);
    const outer = await sessions.handle(request, async () => {
      const inner = await sessions.handle(request, login);
      return new Response(await inner.text(), { status: 500 });
    });
    expect(outer.headers.get('session-token')).toBeNull();
    expect(await store.count?.()).toBe(0);
  });

  describe('rule 24: no deletion stays beside the token of a login that waits for the outer outcome', () => {
    const sources = [header('x-token', { respond: true }), cookie('sid', { secure: false })];
    const relogin = async ({ session, sessions }: Context) => {
      await session?.destroy();
      await sessions.create({ userId: 'ann' });
      return new Response();
    };

    test.each<[string, (made: ReturnType<typeof setUpHosts>, request: Request) => Promise<Response>]>([
      ['a nested handler', ({ sessions }, request) => sessions.handle(request, relogin)],
      [
        'Hono',
        async ({ sessions }, request) => {
          const app = new Hono<{ Variables: Context }>().use(honoSessions(sessions));
          return app.all('*', (c) => relogin(c.var)).fetch(request);
        },
      ],
      ['tRPC', ({ trpc }, request) => trpc(request)],
      ['Yoga', async ({ yoga }, request) => yoga.fetch(request)],
    ])('%s', async (name, inner) => {
      const made = setUpHosts({ sources });
      const { token } = await made.sessions.create({ userId: 'guest' });
      const headers = { 'x-token': token, 'content-type': 'application/json' };
      const body = name === 'Yoga' ? '{"query":"mutation { relogin }"}' : '{}';
      const path = name === 'Yoga' ? 'graphql' : 'trpc/relogin';
      const request = new Request(`https://app.example/${path}`, { method: 'POST', headers, body });
      const answer = await made.sessions.handle(request, () => inner(made, request));
      expect([answer.status, answer.headers.get('x-token'), answer.headers.getSetCookie()]).toEqual([
        200,
        expect.stringMatching(/^ts_/),
        [],
      ]);
    });
  });

  test('rule 12: after handlers that ran side by side, begins with what the outer one has done', async () => {
    const { sessions } = setUp();
    const { token } = await sessions.create({ userId: 'guest' });
    const request = requestOf(token);
    const last = gate();
    const response = await sessions.handle(request, async (context) => {
      const first = sessions.handle(request, () => new Response());
      const second = sessions.handle(request, async () => {
        await last.opened;
        return new Response();
      });
      await first;
      last.open();
      await second;
      await context.sessions.create({ userId: 'ann' });
      return sessions.handle(request, ({ session }) => Response.json(session?.data.userId));
    });
    expect(await response.json()).toBe('ann');
  });
});
