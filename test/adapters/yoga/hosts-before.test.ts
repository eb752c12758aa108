import express from 'express';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { expressSessions } from '../../../src/adapters/express/index.js';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { bearer as bearerSource, cookie, type SessionContext } from '../../../src/index.js';
import { listenInTest } from '../../support/http.js';
import { change } from './support/change.js';
import { bearer, post } from './support/client.js';
import { type Ctx, type RuleData, serveSchema, tellingSessions } from './support/rules.js';
import { openSocketServer } from './support/socket.js';

describe('a request that passes through several hosts', () => {
  const TYPES = 'type Query { who: String } type Mutation { theme: String login: String fail: String }';
  const resolvers = {
    Query: { who: (_: unknown, _args: object, ctx: Ctx) => ctx.session?.data.userId ?? 'nobody' },
    Mutation: {
      theme: (_: unknown, _args: object, ctx: Ctx) => {
        change(ctx).theme = 'dark';
        return 'dark';
      },
      login: async (_: unknown, _args: object, ctx: Ctx) => (await ctx.sessions.create({ userId: 'bob' })).id,
      fail: async (_: unknown, _args: object, ctx: Ctx) => {
        await ctx.sessions.create({ userId: 'bob' });
        throw new Error('refused');
      },
    },
  };

  async function startBehindExpress(prepare: (req: express.Request) => unknown = () => undefined) {
    const made = tellingSessions({ sources: [bearerSource(), cookie('sid', { secure: false })] });
    const app = express();
    app.use(expressSessions(made.sessions));
    app.use(async (req, _res, next) => {
      await prepare(req);
      next();
    });
    const yoga = createYoga<object, object>({
      schema: createSchema<object>({ typeDefs: TYPES, resolvers }),
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    app.use('/graphql', (req, res) => void yoga(req, res));
    const { url } = await listenInTest(app);
    const ask = async (query: string, token?: string) => {
      const { text, headers, status } = await post(`${url}/graphql`, { query }, token ? bearer(token) : {});
      return { ...JSON.parse(text), status, cookies: headers.getSetCookie(), cache: headers.get('cache-control') };
    };
    return { ...made, ask };
  }
  const sessionsOf = (req: object): SessionContext<RuleData> => Object(req);

  test('rule 12: an operation begins with the guest session that the Express middleware made', async () => {
    const { ask, sessions } = await startBehindExpress(async (req) => {
      if (!sessionsOf(req).session) await sessionsOf(req).sessions.create({ userId: 'guest' });
    });
    const { data, cookies } = await ask('{ who }');
    expect(data).toEqual({ who: 'guest' });
    const [guest] = await sessions.listFor('guest');
    expect(cookies).toEqual([expect.stringContaining(`sid=ts_${guest?.id}`)]);
  });

  test('rule 12: the login of an operation becomes the Express call’s, and one cookie is written', async () => {
    const { ask, sessions, store } = await startBehindExpress();
    const { token } = await sessions.create({ userId: 'ann' });
    const { cookies, cache, data } = await ask('mutation { login }', token);
    expect([await sessions.listFor('ann'), await store.count?.()]).toEqual([[], 1]);
    expect([cookies, cache]).toEqual([[], 'no-store']);
    const anonymous = await ask('mutation { login }');
    expect(anonymous.cookies).toEqual([expect.stringContaining(`sid=ts_${anonymous.data.login}`)]);
    expect(data.login).not.toBe(anonymous.data.login);
  });

  test('rule 12: an operation that fails undoes only its own login', async () => {
    const { ask, sessions } = await startBehindExpress(async (req) => {
      if (!sessionsOf(req).session) await sessionsOf(req).sessions.create({ userId: 'guest' });
    });
    const { cookies, status } = await ask('mutation { fail }');
    expect([status, await sessions.listFor('bob')]).toEqual([200, []]);
    expect(cookies).toEqual([expect.stringContaining(`sid=ts_${(await sessions.listFor('guest'))[0]?.id}`)]);
  });

  test("rule 13: the operation does not see the middleware's unsaved changes; both are saved", async () => {
    const { ask, sessions, stored } = await startBehindExpress((req) => {
      const { session } = sessionsOf(req);
      if (session) session.data.views = 1;
    });
    const session = await sessions.create({ userId: 'ann' });
    await ask('mutation { theme }', session.token);
    await vi.waitFor(async () => expect(await stored(session)).toEqual({ userId: 'ann', theme: 'dark', views: 1 }));
  });
});

describe('connections', () => {
  test('rule 15: if a server replaces the connection parameters of an open socket, later operations use the new ones', async () => {
    const made = tellingSessions();
    const [ann, bob] = [await made.sessions.create({ userId: 'ann' }), await made.sessions.create({ userId: 'bob' })];
    let params: Record<string, unknown> | undefined;
    const yoga = createYoga<object, object>({
      schema: createSchema<object>({
        typeDefs: 'type Query { who: String }',
        resolvers: { Query: { who: (_, _args, ctx: Ctx) => ctx.session?.data.userId ?? 'nobody' } },
      }),
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    const server = await openSocketServer(yoga.getEnveloped, (connection) => ({
      ...connection,
      connectionParams: params ?? connection.connectionParams,
      req: connection.extra.request,
      socket: connection.extra.socket,
    }));
    onTestFinished(() => server.stop());
    const client = server.connect({ connectionParams: { token: ann.token } });
    onTestFinished(() => client.close());
    const who = async () => (await client.execute('{ who }')).data?.['who'];
    expect(await who()).toBe('ann');
    params = { token: bob.token };
    expect(await who()).toBe('bob');
    params = {};
    expect(await who()).toBe('nobody');
    params = { token: ann.token };
    expect(await who()).toBe('ann');
  });

  test("rule 15: operations of one socket see each other's logins and logouts, but no failed login", async () => {
    const made = tellingSessions();
    const yoga = createYoga<object, object>({
      schema: createSchema<object>({
        typeDefs: 'type Query { who: String } type Mutation { login: String fail: String logout: Boolean }',
        resolvers: {
          Query: { who: (_, _args, ctx: Ctx) => ctx.session?.data.userId ?? 'nobody' },
          Mutation: {
            login: async (_, _args, ctx: Ctx) => (await ctx.sessions.create({ userId: 'bob' })).id,
            fail: async (_, _args, ctx: Ctx) => {
              await ctx.sessions.create({ userId: 'eve' });
              throw new Error('refused');
            },
            logout: async (_, _args, ctx: Ctx) => {
              await requireSession(ctx).destroy();
              return true;
            },
          },
        },
      }),
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    const server = await openSocketServer(yoga.getEnveloped);
    onTestFinished(() => server.stop());
    const { token } = await made.sessions.create({ userId: 'ann' });
    const client = server.connect({ connectionParams: { token } });
    onTestFinished(() => client.close());
    const seen: unknown[] = [];
    for (const mutation of ['fail', 'login', 'fail', 'logout']) {
      await client.execute(`mutation { ${mutation} }`);
      seen.push((await client.execute('{ who }')).data?.['who']);
    }
    expect(seen).toEqual(['ann', 'bob', 'bob', 'nobody']);
    expect(await made.sessions.listFor('eve')).toEqual([]);
  });
});

describe('the plugin together with others', () => {
  afterEach(() => {
    vi.resetModules();
  });

  test('rule 16: installed twice it works once, also with two copies of the package', async () => {
    vi.resetModules();
    const copy = await import('../../../src/adapters/yoga/index.js');
    for (const useAgain of [useSession, copy.useSession]) {
      const made = tellingSessions({ sources: [bearerSource(), cookie('sid', { secure: false })] });
      let writes = 0;
      const { replace } = made.store;
      made.store.replace = (...args) => {
        writes += 1;
        return replace.apply(made.store, args);
      };
      const yoga = createYoga<object, object>({
        schema: createSchema<object>({
          typeDefs: 'type Query { x: Int } type Mutation { login: String theme: Boolean role: String }',
          resolvers: {
            Mutation: {
              login: async (_, _args, ctx: Ctx) => (await ctx.sessions.create({ userId: 'bob' })).token,
              theme: (_, _args, ctx: Ctx) => {
                change(ctx).theme = 'dark';
                return ctx.sessions.current === ctx.session && ctx.session === requireSession(ctx);
              },
              role: (_, _args, ctx: Ctx) => {
                change(ctx).role = 'admin';
                throw new Error('refused');
              },
            },
          },
        }),
        logging: false,
        plugins: [useSession(made.sessions), useAgain(made.sessions)],
      });
      const { url } = await listenInTest(yoga);
      const login = await post(`${url}/graphql`, { query: 'mutation { login }' });
      expect(login.headers.getSetCookie()).toHaveLength(1);
      const token: string = JSON.parse(login.text).data.login;
      const answer = await post(`${url}/graphql`, { query: 'mutation { theme role }' }, bearer(token));
      expect(JSON.parse(answer.text).data).toEqual({ theme: true, role: null });
      expect((await made.sessions.fromToken(token)).session?.data).toEqual({ userId: 'bob', theme: 'dark' });
      expect(writes).toBe(1);
    }
  });

  test('rule 16: the guards of another copy of the package accept the context', async () => {
    vi.resetModules();
    const copy = await import('../../../src/adapters/yoga/index.js');
    expect(copy.requireSession).not.toBe(requireSession);
    const { ask, sessions } = await serveSchema('type Query { me: String fresh: String }', {
      Query: {
        me: (_, _args, ctx) => copy.requireSession(ctx).data.userId,
        fresh: (_, _args, ctx) => copy.requireFresh(ctx, '1m').data.userId,
      },
    });
    const { token } = await sessions.create({ userId: 'ann' });
    expect((await ask('{ me fresh }', token)).data).toEqual({ me: 'ann', fresh: 'ann' });
    const { status, codes } = await ask('{ me }');
    expect([status, codes]).toEqual([401, ['UNAUTHENTICATED']]);
  });

  test('reads a server context with getters over private fields, as in Hono, without an error', async () => {
    class HonoLike {
      readonly #request: Request;
      constructor(request: Request) {
        this.#request = request;
      }
      get req() {
        return { raw: this.#request, header: () => undefined };
      }
      get res(): Response {
        return new Response(this.#request.url);
      }
      get event(): never {
        throw new Error('no event');
      }
    }
    const made = tellingSessions();
    const yoga = createYoga<object, object>({
      schema: createSchema<object>({
        typeDefs: 'type Query { who: String }',
        resolvers: { Query: { who: (_, _args, ctx: Ctx) => ctx.session?.data.userId ?? 'nobody' } },
      }),
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    const { token } = await made.sessions.create({ userId: 'ann' });
    const request = new Request('http://app.example/graphql?query={who}', { headers: bearer(token) });
    const response = await yoga.fetch(request, new HonoLike(request));
    expect(await response.json()).toEqual({ data: { who: 'ann' } });
  });

  test('rule 16: useSession refuses a value that createSessions does not return', () => {
    expect(() => useSession(JSON.parse('{}'))).toThrow(expect.objectContaining({ code: 'NOT_SUPPORTED' }));
  });

  test('rule 17: a thousand operations that are refused before they run leave nothing behind', async () => {
    const made = tellingSessions();
    const subscribe = vi.spyOn(made.store, 'subscribe');
    const yoga = createYoga<object, object>({
      schema: createSchema<object>({
        typeDefs: 'type Query { who: String }',
        resolvers: { Query: { who: (_, _args, ctx: Ctx) => String(ctx.sessions.signal.aborted) } },
      }),
      logging: false,
      plugins: [useSession(made.sessions)],
    });
    const { token } = await made.sessions.create({ userId: 'ann' });
    for (let round = 0; round < 1_000; round += 1) {
      const response = await yoga.fetch('http://app.example/graphql?query={nothing}', { headers: bearer(token) });
      expect(response.status).toBe(200);
    }
    expect(subscribe).not.toHaveBeenCalled();
  });
});
