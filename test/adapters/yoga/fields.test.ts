import { envelop, useEngine, useSchema } from '@envelop/core';
import * as graphql from 'graphql';
import { GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, test } from 'vitest';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { bearer } from './support/client.js';
import { type Ctx, type Resolvers, serveSchema, tellingSessions } from './support/rules.js';

const refuse = (): never => {
  throw new GraphQLError('refused');
};

const FIELDS = `
  theme(value: String = "dark"): String
  role(value: String = "admin"): String
  lateRole: String
  views: String
  log(value: String!): String
  failingLog(value: String!): String
  required: String!
  save: String
  update: String
  login(name: String!): String
  failingLogin: String
  loginThenBelow: Below
  logout: Boolean
  below: Below
  nested: Nested
`;
const TYPES = `
  type Query { ${FIELDS} }
  type Mutation { ${FIELDS} }
  type Below { ok: String fails: String! slow: String }
  type Nested { ${FIELDS} }
`;

const change = (ctx: Ctx) => requireSession(ctx).data;
const fields: Resolvers[string] = {
  theme: (_, { value }, ctx) => {
    if (value !== undefined) change(ctx).theme = value;
    return value;
  },
  role: (_, { value }, ctx) => {
    if (value !== undefined) change(ctx).role = value;
    return refuse();
  },
  lateRole: async (_, _args, ctx) => {
    await Promise.resolve();
    change(ctx).role = 'admin';
    await Promise.resolve();
    return refuse();
  },
  views: async (_, _args, ctx) => {
    await Promise.resolve();
    change(ctx).views = (change(ctx).views ?? 0) + 1;
    return String(change(ctx).views);
  },
  log: (_, { value = '' }, ctx) => {
    const data = change(ctx);
    data.log = [...(data.log ?? []), value];
    return data.log.join();
  },
  failingLog: async (_, { value = '' }, ctx) => {
    const data = change(ctx);
    data.log = [...(data.log ?? []), value];
    await Promise.resolve();
    return refuse();
  },
  required: (_, _args, ctx) => {
    change(ctx).role = 'admin';
    return refuse();
  },
  save: async (_, _args, ctx) => {
    change(ctx).views = 100;
    await requireSession(ctx).save();
    return 'saved';
  },
  update: async (_, _args, ctx) => {
    const { views } = await requireSession(ctx).update((data) => {
      data.views = (data.views ?? 0) + 10;
    });
    return String(views);
  },
  login: async (_, { name = '' }, ctx) => (await ctx.sessions.create({ userId: name })).id,
  failingLogin: async (_, _args, ctx) => {
    await ctx.sessions.create({ userId: 'eve' });
    return refuse();
  },
  loginThenBelow: async (_, _args, ctx) => {
    await ctx.sessions.create({ userId: 'eve' });
    return {};
  },
  logout: async (_, _args, ctx) => {
    await requireSession(ctx).destroy();
    return true;
  },
  below: (_, _args, ctx) => {
    change(ctx).role = 'admin';
    return {};
  },
  nested: () => ({}),
};
const resolvers: Resolvers = {
  Query: fields,
  Mutation: fields,
  Nested: fields,
  Below: {
    ok: () => 'ok',
    fails: refuse,
    slow: async (_, _args, ctx) => {
      await new Promise(setImmediate);
      change(ctx).views = 99;
      return 'slow';
    },
  },
};

async function serve(...options: Parameters<typeof serveSchema>[2][]) {
  const served = await serveSchema(TYPES, resolvers, options[0]);
  /** What an operation of ann's leaves stored. */
  async function leaves(query: string | readonly string[]) {
    const session = await served.sessions.create({ userId: 'ann' });
    const answer = await served.ask(query, session.token);
    return { ...answer, session, left: await served.stored(session) };
  }
  return { ...served, leaves };
}

describe('the root fields of a mutation decide for their own changes', () => {
  test.each([
    ['of one name that is used twice, by aliases', 'mutation { a: theme(value: "dark") b: role theme(value: "red") }', { theme: 'red' }],
    [
      'in fragments',
      'mutation { ...F role } fragment F on Mutation { theme ...G } fragment G on Mutation { v: views }',
      { theme: 'dark', views: 1 },
    ],
    ['in inline fragments', 'mutation { ... on Mutation { role } ... { theme } }', { theme: 'dark' }],
    ['with @include and @skip', 'mutation { theme @skip(if: true) role @include(if: true) views @include(if: true) }', { views: 1 }],
    ['beside __typename', 'mutation { __typename role }', {}],
    ['beside __typename by an alias', 'mutation { role name: __typename lateRole }', {}],
    ['beside the schema', 'mutation { role } query Q { __schema { queryType { name } } }', {}],
    ['where a later one fails late', 'mutation { theme lateRole views }', { theme: 'dark', views: 1 }],
    ['that change the same value', 'mutation { a: log(value: "a") b: failingLog(value: "b") c: log(value: "c") }', { log: ['a', 'c'] }],
    ['where all fail', 'mutation { role lateRole }', {}],
    ['where all of data is null', 'mutation { theme required }', {}],
    ['of a namespace', 'mutation { nested { theme } views }', { theme: 'dark', views: 1 }],
  ])('rule 18: %s', async (_, query, left) => {
    const { leaves } = await serve();
    const operation = query.includes('query Q') ? 'mutation { role }' : query;
    expect((await leaves(operation)).left).toEqual({ userId: 'ann', ...left });
  });

  test('rule 18: a field does not see what an earlier one that failed has changed, and sees what one that succeeded has', async () => {
    const { leaves } = await serve();
    const { data } = await leaves('mutation { a: log(value: "a") b: failingLog(value: "b") c: log(value: "c") }');
    expect(data).toEqual({ a: 'a', b: null, c: 'a,c' });
  });

  test('rule 18: whatever the number of fields, an operation makes one write', async () => {
    const { leaves, store } = await serve();
    let writes = 0;
    const { replace } = store;
    store.replace = (...args) => {
      writes += 1;
      return replace.apply(store, args);
    };
    await leaves('mutation { theme a: views b: views role lateRole c: log(value: "c") }');
    expect(writes).toBe(1);
  });

  test('rule 18: when a field fails below its resolver, its changes and those of the fields after it are dropped, with a warning', async () => {
    const { leaves, warnings } = await serve();
    const { data, left } = await leaves('mutation { theme below { slow fails } views role }');
    expect(data).toMatchObject({ theme: 'dark', below: null, role: null });
    expect(left).toEqual({ userId: 'ann', theme: 'dark' });
    expect(warnings).toEqual([expect.stringContaining('were dropped')]);
  });

  test('rule 18: a field that fails below its resolver hands out no login', async () => {
    const { ask, sessions, events } = await serve();
    await ask('mutation { loginThenBelow { fails } }');
    await ask('mutation { loginThenBelow { ok fails } theme: __typename }');
    expect([await sessions.listFor('eve'), events]).toEqual([[], []]);
  });

  test('rule 18: save() and update() write the current field’s changes only, and stay when the field fails', async () => {
    const { leaves } = await serve();
    const { left, data } = await leaves('mutation { theme save update again: update role }');
    expect(left).toEqual({ userId: 'ann', theme: 'dark', views: 120 });
    expect(data).toMatchObject({ save: 'saved', update: '110', again: '120' });
    expect((await leaves('mutation { theme save required }')).left).toEqual({ userId: 'ann', views: 100 });
  });

  test('rule 18: a query is saved when a root field other than __typename came back', async () => {
    const { leaves } = await serve();
    expect((await leaves('{ theme role }')).left).toEqual({ userId: 'ann', theme: 'dark', role: 'admin' });
    expect((await leaves('{ __typename role }')).left).toEqual({ userId: 'ann' });
    expect((await leaves('{ alias: __typename ...F } fragment F on Query { role __typename }')).left).toEqual({ userId: 'ann' });
    expect((await leaves('{ theme required }')).left).toEqual({ userId: 'ann' });
  });

  test('rule 18: a plugin that adds __typename to every selection changes nothing of it', async () => {
    const addTypenames = {
      onParse:
        () =>
        ({ result, replaceParseResult }: { result: unknown; replaceParseResult(document: unknown): void }) => {
          if (typeof result !== 'object' || result === null || !('kind' in result)) return;
          const name = { kind: graphql.Kind.FIELD, name: { kind: graphql.Kind.NAME, value: '__typename' } };
          const SelectionSet = (node: graphql.SelectionSetNode) => ({ ...node, selections: [name, ...node.selections] });
          replaceParseResult(graphql.visit(result as graphql.DocumentNode, { SelectionSet }));
        },
    };
    const { leaves } = await serve({ yoga: { plugins: [addTypenames] } });
    for (const query of ['mutation { role }', '{ role }', 'mutation { lateRole }'])
      expect((await leaves(query)).left).toEqual({ userId: 'ann' });
    expect((await leaves('mutation { theme role }')).left).toEqual({ userId: 'ann', theme: 'dark' });
  });
});

describe('fields without resolvers of their own', () => {
  /** A schema in code: a root value answers its fields, or the executor’s `fieldResolver`. */
  const schema = new GraphQLSchema({
    query: new GraphQLObjectType({ name: 'Query', fields: { x: { type: GraphQLString } } }),
    mutation: new GraphQLObjectType({
      name: 'Mutation',
      fields: { promote: { type: GraphQLString }, darken: { type: GraphQLString }, plain: { type: GraphQLString } },
    }),
  });
  const root = {
    promote: (_args: unknown, ctx: Ctx) => {
      change(ctx).role = 'admin';
      return refuse();
    },
    darken: async (_args: unknown, ctx: Ctx) => {
      change(ctx).theme = 'dark';
      return 'dark';
    },
    plain: 'plain',
  };

  async function run(args: Partial<graphql.ExecutionArgs>) {
    const made = tellingSessions();
    const { parse, validate, execute, subscribe, specifiedRules } = graphql;
    const engine = useEngine({ parse, validate, execute, subscribe, specifiedRules });
    const getEnveloped = envelop({ plugins: [engine, useSchema(schema), useSession(made.sessions)] });
    const session = await made.sessions.create({ userId: 'ann' });
    const enveloped = getEnveloped({ req: { headers: bearer(session.token) } });
    const contextValue = await enveloped.contextFactory();
    const document = enveloped.parse('mutation { promote darken plain }');
    const result = await enveloped.execute({ schema: enveloped.schema, document, contextValue, ...args });
    return { result, stored: await made.stored(session) };
  }

  test('rule 18: decide for themselves where a root value answers them', async () => {
    const { result, stored } = await run({ rootValue: root });
    expect(result.data).toEqual({ promote: null, darken: 'dark', plain: 'plain' });
    expect(stored).toEqual({ userId: 'ann', theme: 'dark' });
  });

  test('rule 18: decide for themselves where the executor has a fieldResolver of its own', async () => {
    const fieldResolver: graphql.GraphQLFieldResolver<unknown, Ctx> = (_source, args, ctx, { fieldName }) => {
      const value: unknown = Reflect.get(root, fieldName);
      return typeof value === 'function' ? value(args, ctx) : value;
    };
    const { result, stored } = await run({ fieldResolver });
    expect(result.data).toEqual({ promote: null, darken: 'dark', plain: 'plain' });
    expect(stored).toEqual({ userId: 'ann', theme: 'dark' });
  });
});

describe('logins of an operation', () => {
  test.each([
    ['fails', 'mutation { failingLogin }'],
    ['fails beside a field that succeeds', 'mutation { failingLogin theme }'],
    ['fails beside __typename', 'mutation { __typename failingLogin }'],
    ['succeeds in an operation whose data is null', 'mutation { login(name: "eve") required }'],
  ])('rule 18: a login that %s leaves no session and ends none', async (_, query) => {
    const { leaves, sessions, events } = await serve();
    const { session } = await leaves(query);
    expect(await sessions.listFor('eve')).toEqual([]);
    expect((await sessions.find(session.id))?.id).toBe(session.id);
    expect(events).toEqual([`created ${session.id}`]);
  });

  test('rule 18: a login takes effect when the operation is done: fields after it act for the new session', async () => {
    const { leaves, sessions, stored } = await serve();
    const { data, session } = await leaves('mutation { before: theme(value: "light") login(name: "bob") after: theme(value: "dark") }');
    const [bob] = await sessions.listFor('bob');
    expect([data?.['login'], bob?.data]).toEqual([bob?.id, { userId: 'bob', theme: 'dark' }]);
    expect(await stored(session)).toBeNull();
  });

  test('rule 18: of several logins the last field that succeeded takes effect, and one session stays', async () => {
    const { leaves, sessions, store } = await serve();
    const { data } = await leaves('mutation { a: login(name: "bob") b: login(name: "carol") failingLogin }');
    expect([await sessions.listFor('bob'), (await sessions.listFor('carol')).map(({ id }) => id)]).toEqual([[], [data?.['b']]]);
    expect(await store.count?.()).toBe(1);
  });

  test('rule 18: after a field whose login failed the next acts for the session before', async () => {
    const { leaves } = await serve();
    expect((await leaves('mutation { failingLogin theme }')).left).toEqual({ userId: 'ann', theme: 'dark' });
  });

  test('rule 18: a logout beside other fields is final, and the operation is answered with its result', async () => {
    const { leaves } = await serve();
    const done = await leaves('mutation { theme logout }');
    expect([done.data, done.codes, done.left]).toEqual([{ theme: 'dark', logout: true }, [], null]);
    const late = await leaves('mutation { logout theme }');
    expect([late.data, late.codes, late.left]).toEqual([{ logout: true, theme: null }, ['UNAUTHENTICATED'], null]);
  });

  test('rule 18: a login and a logout of one operation leave no session', async () => {
    const { leaves, store } = await serve();
    await leaves('mutation { login(name: "bob") logout }');
    expect(await store.count?.()).toBe(0);
  });
});
