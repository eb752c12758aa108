import { deepStrictEqual, match, strictEqual } from 'node:assert';
import { createSchema, createYoga } from 'graphql-yoga';
import type { SessionContextOf, Sessions } from 'token-sessions';
import { requireSession, useSession } from 'token-sessions/yoga';
import type { Check, OpenStore } from './check.js';
import { aborted } from './core-checks.js';
import { ADA, type Data, sessionsOn } from './data.js';
import { readEvents } from './sse.js';

const URL = 'https://app.example/graphql';

type Context = SessionContextOf<Sessions<Data>>;
type Resolver<Result> = (parent: unknown, args: unknown, ctx: Context) => Result;

const typeDefs = /* GraphQL */ `
  type Query {
    me: String!
    views: Int!
    theme: String
  }
  type Mutation {
    login: String!
    theme: String!
    fail: Boolean
    visit: Int!
    logout: Boolean!
  }
  type Subscription {
    live: String!
  }
`;

const me: Resolver<string> = (_, _args, ctx) => requireSession(ctx).data.userId;
const views: Resolver<number> = (_, _args, ctx) => requireSession(ctx).data.views;
const theme: Resolver<string | undefined> = (_, _args, ctx) => requireSession(ctx).data.theme;
const login: Resolver<Promise<string>> = async (_, _args, ctx) => (await ctx.sessions.create(ADA)).token;
const setTheme: Resolver<string> = (_, _args, ctx) => {
  requireSession(ctx).data.theme = 'dark';
  return 'dark';
};
const fail: Resolver<boolean> = (_, _args, ctx) => {
  requireSession(ctx).data.views = 1_000;
  throw new Error('after the change');
};
const visit: Resolver<Promise<number>> = async (_, _args, ctx) => {
  const data = await requireSession(ctx).update((draft) => {
    draft.views += 1;
  });
  return data.views;
};
const logout: Resolver<Promise<boolean>> = async (_, _args, ctx) => {
  await requireSession(ctx).destroy();
  return true;
};
const live: Resolver<AsyncGenerator<{ live: string }>> = async function* (_, _args, ctx) {
  const { signal } = requireSession(ctx);
  yield { live: 'open' };
  await aborted(signal);
};

const resolvers = {
  Query: { me, views, theme },
  Mutation: { login, theme: setTheme, fail, visit, logout },
  Subscription: { live: { subscribe: live } },
};

/** Sends operations to a server without a network. */
function start(sessions: Sessions<Data>) {
  const yoga = createYoga({
    schema: createSchema<Context>({ typeDefs, resolvers }),
    plugins: [useSession(sessions)],
    logging: false,
  });
  const send = async (query: string, token?: string, accept = 'application/json'): Promise<Response> => {
    const headers = {
      'content-type': 'application/json',
      accept,
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    return yoga.fetch(new Request(URL, { method: 'POST', headers, body: JSON.stringify({ query }) }));
  };
  const ask = async (query: string, token?: string) => (await send(query, token)).json();
  return { send, ask };
}

type Run = (sessions: Sessions<Data>) => Promise<void>;

const CHECKS: Record<string, Run> = {
  'login, query, mutation and logout': async (sessions) => {
    const { ask } = start(sessions);
    const { data } = await ask('mutation { login }');
    deepStrictEqual(await ask('mutation { theme }', data.login), { data: { theme: 'dark' } });
    deepStrictEqual(await ask('{ me theme }', data.login), { data: { me: 'ada', theme: 'dark' } });
    deepStrictEqual(await ask('mutation { logout }', data.login), { data: { logout: true } });
    strictEqual((await ask('{ me }', data.login)).errors[0].extensions.code, 'UNAUTHENTICATED');
  },
  'a refusal is 401 and says how to authenticate': async (sessions) => {
    const { send } = start(sessions);
    const anonymous = await send('{ me }');
    deepStrictEqual([anonymous.status, anonymous.headers.get('www-authenticate')], [401, 'Bearer']);
    const { token, id } = await sessions.create(ADA);
    await sessions.destroy(id);
    match((await send('{ me }', token)).headers.get('www-authenticate') ?? '', /invalid_token/);
  },
  'a mutation that half fails saves the other half': async (sessions) => {
    const { ask } = start(sessions);
    const { token } = await sessions.create(ADA);
    const { data, errors } = await ask('mutation { theme fail visit }', token);
    deepStrictEqual([data, errors.length], [{ theme: 'dark', fail: null, visit: 1 }, 1]);
    deepStrictEqual(await ask('{ theme views }', token), { data: { theme: 'dark', views: 1 } });
  },
  'of 30 mutations at once each counts': async (sessions) => {
    const { ask } = start(sessions);
    const { token } = await sessions.create(ADA);
    await Promise.all(Array.from({ length: 30 }, () => ask('mutation { visit }', token)));
    deepStrictEqual(await ask('{ views }', token), { data: { views: 30 } });
  },
  'a subscription over SSE ends with its session': async (sessions) => {
    const { send } = start(sessions);
    const { token, id } = await sessions.create(ADA);
    const response = await send('subscription { live }', token, 'text/event-stream');
    match(await readEvents(response, '"open"', () => sessions.destroy(id)), /UNAUTHENTICATED/);
  },
};

/** Yoga as a Fetch handler. */
export function yogaChecks(open: OpenStore): Check[] {
  return Object.entries(CHECKS).map(([title, run]) => ({
    suite: 'Yoga',
    title,
    run: async () => {
      const sessions = sessionsOn(open());
      await run(sessions);
      await sessions.close();
    },
  }));
}
