import { type GraphQLSchema, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { change } from './support/change.js';
import { fields, refuse, resolvers, TYPES } from './support/fields.js';
import { type Ctx, type Resolvers, serveSchema } from './support/rules.js';

/** A server with fields that execute a second mutation on their own context. */
async function serve() {
  let schema: GraphQLSchema | undefined;
  const run = async (source: string | undefined, ctx: Ctx) =>
    schema && source !== undefined && JSON.stringify(await graphql({ schema, source, contextValue: ctx }));
  const Mutation: Resolvers[string] = {
    ...fields,
    inner: async (_, { source }, ctx) => {
      const result = await run(source, ctx);
      change(ctx).views = 7;
      return result;
    },
    failingInner: async (_, { source }, ctx) => {
      await run(source, ctx);
      return refuse();
    },
  };
  const typeDefs = `${TYPES}
    extend type Mutation { inner(source: String!): String failingInner(source: String!): String }`;
  const served = await serveSchema(typeDefs, { ...resolvers, Mutation });
  schema = served.schema;
  const session = await served.sessions.create({ userId: 'ann' });
  const leaves = async (query: string) => {
    await served.ask(query, session.token);
    return served.stored(session);
  };
  return { ...served, leaves, token: session.token };
}

describe('a mutation that a resolver executes on its own context is a part of the work of that resolver', () => {
  test.each([
    ['fails', 'mutation { role }', { role: 'admin', views: 7 }],
    ['fails late', 'mutation { lateRole }', { role: 'admin', views: 7 }],
    ['succeeds', 'mutation { theme }', { theme: 'dark', views: 7 }],
  ])('rule 18: if it %s and the resolver succeeds, the changes of the resolver are saved', async (_, source, left) => {
    const { leaves } = await serve();
    expect(await leaves(`mutation { inner(source: "${source}") }`)).toEqual({ userId: 'ann', ...left });
  });

  test('rule 18: if the resolver fails, nothing of it is saved or seen by the next field', async () => {
    const { leaves } = await serve();
    const query = 'mutation { failingInner(source: "mutation { views theme }") views log(value: "next") }';
    expect(await leaves(query)).toEqual({ userId: 'ann', views: 1, log: ['next'] });
  });

  test('rule 18: a field with the name of one that failed in it decides for itself', async () => {
    const { leaves } = await serve();
    expect(await leaves('mutation { inner(source: "mutation { theme: role }") theme }')).toEqual({
      userId: 'ann',
      role: 'admin',
      views: 7,
      theme: 'dark',
    });
  });

  test('rule 18: its login becomes that of the resolver, and is undone when the resolver fails', async () => {
    const { ask, sessions, token } = await serve();
    const login = String.raw`source: "mutation { login(name: \"bob\") }"`;
    await ask(`mutation { failingInner(${login}) theme }`, token);
    expect(await sessions.listFor('bob')).toEqual([]);
    await ask(`mutation { inner(${login}) role }`, token);
    expect((await sessions.listFor('bob')).map(({ data }) => data.views)).toEqual([7]);
  });
});
