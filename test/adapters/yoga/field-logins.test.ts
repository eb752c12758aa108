import { envelop, useEngine, useSchema } from '@envelop/core';
import * as graphql from 'graphql';
import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, test } from 'vitest';
import { useSession } from '../../../src/adapters/yoga/index.js';
import { change } from './support/change.js';
import { bearer } from './support/client.js';
import { refuse, serve } from './support/fields.js';
import { type Ctx, tellingSessions } from './support/rules.js';

describe('fields without resolvers of their own', () => {
  /**
   * A schema in code: a root value has its fields, or the executor’s `fieldResolver` answers them.
   */
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

  test('rule 18: decide separately if a root value answers them', async () => {
    const { result, stored } = await run({ rootValue: root });
    expect(result.data).toEqual({ promote: null, darken: 'dark', plain: 'plain' });
    expect(stored).toEqual({ userId: 'ann', theme: 'dark' });
  });

  test('rule 18: decide separately if the executor has its own fieldResolver', async () => {
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
    ['fails in a query beside a field that succeeds', '{ failingLogin theme }'],
    ['fails in a query after a field that succeeds', '{ below { ok } failingLogin }'],
    ['succeeds in an operation whose data is null', 'mutation { login(name: "eve") required }'],
  ])('rule 18: a login that %s leaves no session and ends none', async (_, query) => {
    const { leaves, sessions, events } = await serve();
    const { session } = await leaves(query);
    expect(await sessions.listFor('eve')).toEqual([]);
    expect((await sessions.find(session.id))?.id).toBe(session.id);
    expect(events).toEqual([`created ${session.id}`]);
  });

  test('rule 18: a login of a query takes effect if the field that failed had ended before it', async () => {
    const { leaves, sessions, warnings } = await serve();
    const { data } = await leaves('{ role login(name: "bob") }');
    expect([(await sessions.listFor('bob')).map(({ id }) => id), warnings]).toEqual([[data?.['login']], []]);
  });

  test('rule 18: a login of context() takes effect although a field of the query fails', async () => {
    const { leaves, sessions, warnings } = await serve({
      yoga: { context: async (ctx: object) => void (await Object(ctx).sessions.create({ userId: 'bob' })) },
    });
    await leaves('{ role theme }');
    expect([(await sessions.listFor('bob')).length, warnings]).toEqual([1, []]);
  });

  test('rule 18: a login of a query is undone with a warning if a field that ran beside it fails', async () => {
    const { leaves, sessions, warnings } = await serve();
    await leaves('{ slowRefusal login(name: "bob") }');
    expect(await sessions.listFor('bob')).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining('a login in a query was undone')]);
  });

  test('rule 18: a login takes effect when the operation is done, but later fields act for the new session', async () => {
    const { leaves, sessions, stored } = await serve();
    const { data, session } = await leaves(
      'mutation { before: theme(value: "light") login(name: "bob") after: theme(value: "dark") }',
    );
    const [bob] = await sessions.listFor('bob');
    expect([data?.['login'], bob?.data]).toEqual([bob?.id, { userId: 'bob', theme: 'dark' }]);
    expect(await stored(session)).toBeNull();
  });

  test('rule 18: of several logins, the last successful field takes effect, and one session stays', async () => {
    const { leaves, sessions, store } = await serve();
    const { data } = await leaves('mutation { a: login(name: "bob") b: login(name: "carol") failingLogin }');
    expect([await sessions.listFor('bob'), (await sessions.listFor('carol')).map(({ id }) => id)]).toEqual([
      [],
      [data?.['b']],
    ]);
    expect(await store.count?.()).toBe(1);
  });

  test('rule 18: after a failed login, the next field acts for the previous session', async () => {
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
