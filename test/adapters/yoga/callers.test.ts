import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { requireFresh, requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { bearer as bearerSource, cookie } from '../../../src/index.js';
import { gate } from '../../support/gate.js';
import { listenInTest } from '../../support/http.js';
import { change } from './support/change.js';
import { bearer, post } from './support/client.js';
import { type Ctx, serveSchema, tellingSessions } from './support/rules.js';

describe('the operations of one batch', () => {
  const TYPES =
    'type Query { slow: String who: String fresh: String seen: String } type Mutation { login: String logout: String promote: String }';

  async function startBatch() {
    const [began, acted] = [gate(), gate()];
    const served = await serveSchema(TYPES, {
      Query: {
        slow: async (_, _args, ctx) => {
          const before = ctx.session?.data.userId;
          began.open();
          await acted.opened;
          return [before, ctx.sessions.current?.data.userId, (await ctx.sessions.load())?.data.userId].join();
        },
        who: (_, _args, ctx) => ctx.session?.data.userId ?? 'nobody',
        seen: async (_, _args, ctx) => {
          began.open();
          await acted.opened;
          return change(ctx).role ?? 'no role';
        },
        fresh: async (_, _args, ctx) => {
          const { userId } = requireSession(ctx).data;
          began.open();
          await acted.opened;
          return `${userId} as ${requireFresh(ctx, '5m').data.userId}`;
        },
      },
      Mutation: {
        login: async (_, _args, ctx) => {
          await began.opened;
          const { id } = await ctx.sessions.create({ userId: 'mallory' });
          acted.open();
          return id;
        },
        logout: async (_, _args, ctx) => {
          await began.opened;
          await requireSession(ctx).destroy();
          acted.open();
          return 'bye';
        },
        promote: async (_, _args, ctx) => {
          await began.opened;
          change(ctx).role = 'admin';
          acted.open();
          throw new Error('refused');
        },
      },
    });
    const session = await served.sessions.create({ userId: 'ann' });
    return { ...served, session };
  }

  test('rule 12: a login does not change the session of a neighbouring operation', async () => {
    const { ask, session } = await startBatch();
    const { results } = await ask(['{ slow }', 'mutation { login }'], session.token);
    expect(results[0]?.data).toEqual({ slow: 'ann,ann,ann' });
  });

  test('rule 12: later guards refuse an operation whose session another one has ended', async () => {
    const { ask, session } = await startBatch();
    const { results } = await ask(['{ seen }', 'mutation { logout }'], session.token);
    expect(results[0]?.errors?.[0]?.extensions?.['code']).toBe('UNAUTHENTICATED');
    expect(results[1]?.data).toEqual({ logout: 'bye' });
  });

  test("rule 13: no operation sees another's unsaved changes", async () => {
    const { ask, session, stored } = await startBatch();
    const { results } = await ask(['{ seen }', 'mutation { promote }'], session.token);
    expect(results[0]?.data).toEqual({ seen: 'no role' });
    expect(await stored(session)).toEqual({ userId: 'ann' });
  });

  test('rule 14: a guard never combines one session’s identity with another’s freshness', async () => {
    const { ask, session, clock } = await startBatch();
    clock.advance(3_600_000);
    const { results } = await ask(['{ fresh }', 'mutation { login }'], session.token);
    expect(JSON.stringify(results[0])).not.toContain('mallory');
    expect(['STEP_UP_REQUIRED', 'UNAUTHENTICATED']).toContain(results[0]?.errors?.[0]?.extensions?.['code']);
  });

  test('rule 14: a session that the operation has left refuses its data, also through a destructured context', async () => {
    const { ask, sessions } = await serveSchema('type Query { x: Int } type Mutation { swap: String }', {
      Mutation: {
        swap: async (_, _args, { session, sessions: ours }) => {
          await ours.create({ userId: 'bob' });
          return session?.data.userId ?? 'nobody';
        },
      },
    });
    const { token } = await sessions.create({ userId: 'ann' });
    expect((await ask('mutation { swap }', token)).codes).toEqual(['UNAUTHENTICATED']);
    expect(await sessions.listFor('bob')).toEqual([]);
  });
});

describe('sub-requests in the same process', () => {
  const WHO = 'type Query { who: String } type Mutation { login(name: String!): String theme: String }';
  const whoResolvers = {
    Query: { who: (_: unknown, _args: object, ctx: Ctx) => ctx.session?.data.userId ?? 'nobody' },
    Mutation: {
      login: async (_: unknown, { name = '' }: { name?: string }, ctx: Ctx) =>
        (await ctx.sessions.create({ userId: name })).token,
      theme: (_: unknown, _args: object, ctx: Ctx) => {
        change(ctx).theme = 'dark';
        return 'dark';
      },
    },
  };

  /** Makes the sub-request's server context from the context of the outer operation. */
  const manners: readonly (readonly [string, (outer: object) => object])[] = [
    ['the whole context', (outer) => outer],
    ['a copy of it', (outer) => ({ ...outer })],
    ['one that inherits from it', (outer) => Object.create(outer)],
    ['its req and res', (outer) => ({ req: Reflect.get(outer, 'req'), res: Reflect.get(outer, 'res') })],
    ['no context', () => ({})],
  ];

  async function startGateway(contextOf: (outer: object) => object, path = '/graphql', method = 'POST') {
    const made = tellingSessions({ sources: [bearerSource(), cookie('sid', { secure: false })] });
    const inner = createYoga<object, object>({
      schema: createSchema<object>({ typeDefs: WHO, resolvers: whoResolvers }),
      logging: false,
      graphqlEndpoint: path,
      plugins: [useSession(made.sessions)],
    });
    async function ask(outer: object, query: string, token?: string) {
      const headers = { 'content-type': 'application/json', ...(token && bearer(token)) };
      const url = `http://sub.example${path}${method === 'GET' ? `?query=${encodeURIComponent(query)}` : ''}`;
      const init = method === 'GET' ? { headers } : { method, headers, body: JSON.stringify({ query }) };
      const response = await inner.fetch(url, init, contextOf(outer));
      return { ...(await response.json()), cookies: response.headers.getSetCookie() };
    }
    const tokens: Record<string, string> = {};
    const resolve =
      (run: (ctx: Ctx, as: string) => unknown) =>
      (_: unknown, { as = '' }: { as?: string }, ctx: Ctx) =>
        run(ctx, as);
    const gateway = createYoga<object, object>({
      schema: createSchema<object>({
        typeDefs: `type Query { own: String sub(as: String): String } type Mutation { sub(as: String, query: String!): String own: String }`,
        resolvers: {
          Query: {
            own: resolve((ctx) => ctx.session?.data.userId ?? 'nobody'),
            sub: resolve(async (ctx, as) => (await ask(ctx, '{ who }', tokens[as])).data.who),
          },
          Mutation: {
            own: resolve((ctx) => {
              change(ctx).role = 'owner';
              return 'done';
            }),
            sub: async (_: unknown, { as = '', query }: { as?: string; query: string }, ctx: Ctx) =>
              JSON.stringify(await ask(ctx, query, tokens[as])),
          },
        },
      }),
      logging: false,
      graphqlEndpoint: path,
      plugins: [useSession(made.sessions)],
    });
    const { url } = await listenInTest(gateway);
    for (const name of ['ann', 'bob']) tokens[name] = (await made.sessions.create({ userId: name })).token;
    const outer = (query: string, as?: string) =>
      post(`${url}${path}`, { query }, as === undefined ? {} : bearer(tokens[as] ?? '')).then(({ text, headers }) => ({
        ...JSON.parse(text),
        cookies: headers.getSetCookie(),
      }));
    return { ...made, outer, tokens };
  }

  test.each(manners)('rule 15: with %s, the sub-request’s own headers name the caller', async (_, contextOf) => {
    const { outer } = await startGateway(contextOf);
    const query = '{ own ann: sub(as: "ann") bob: sub(as: "bob") none: sub }';
    expect((await outer(query, 'ann')).data).toEqual({ own: 'ann', ann: 'ann', bob: 'bob', none: 'nobody' });
    expect((await outer(query)).data).toEqual({ own: 'nobody', ann: 'ann', bob: 'bob', none: 'nobody' });
  });

  test.each(manners)(
    'rule 15: with %s, a sub-request of the same caller and path is a separate call',
    async (_, contextOf) => {
      const { outer, sessions } = await startGateway(contextOf, '/same');
      const { data } = await outer('mutation { own sub(as: "ann", query: "mutation { theme }") }', 'ann');
      expect(JSON.parse(data.sub).data).toEqual({ theme: 'dark' });
      expect((await sessions.listFor('ann'))[0]?.data).toEqual({ userId: 'ann', role: 'owner', theme: 'dark' });
    },
  );

  test.each(manners)('rule 15: with %s, a sub-request’s response has its own head', async (_, contextOf) => {
    const { outer, sessions } = await startGateway(contextOf);
    const login = 'mutation { login(name: \\"carol\\") }';
    const answer = await outer(`mutation { sub(query: "${login}") }`, 'ann');
    const inner = JSON.parse(answer.data.sub);
    expect([answer.cookies, inner.cookies]).toEqual([[], [expect.stringContaining(`sid=${inner.data.login}`)]]);
    expect((await sessions.listFor('ann')).length).toBe(1);
  });
});
