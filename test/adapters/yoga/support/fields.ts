import { GraphQLError } from 'graphql';
import { requireSession } from '../../../../src/adapters/yoga/index.js';
import { change } from './change.js';
import { type Resolvers, serveSchema } from './rules.js';

export const refuse = (): never => {
  throw new GraphQLError('refused');
};

export const FIELDS = `
  theme(value: String = "dark"): String
  role(value: String = "admin"): String
  lateRole: String
  returned: String
  lateReturned: String
  views: String
  log(value: String!): String
  failingLog(value: String!): String
  required: String!
  save: String
  update: String
  login(name: String!): String
  failingLogin: String
  slowRefusal: String
  loginThenBelow: Below
  logout: Boolean
  below: Below
  nested: Nested
`;

export const TYPES = `
  type Query { ${FIELDS} }
  type Mutation { ${FIELDS} }
  type Below { ok: String fails: String! slow: String }
  type Nested { ${FIELDS} }
`;

export const fields: Resolvers[string] = {
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
  slowRefusal: async () => {
    // Other fields run to their end meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 20));
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
  returned: (_, _args, ctx) => {
    change(ctx).role = 'admin';
    return new GraphQLError('refused');
  },
  lateReturned: async (_, _args, ctx) => {
    await ctx.sessions.create({ userId: 'eve' });
    change(ctx).role = 'admin';
    return new GraphQLError('refused');
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

export const resolvers: Resolvers = {
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

export async function serve(...options: Parameters<typeof serveSchema>[2][]) {
  const served = await serveSchema(TYPES, resolvers, options[0]);
  /** The stored data after an operation of ann. */
  async function leaves(query: string | readonly string[]) {
    const session = await served.sessions.create({ userId: 'ann' });
    const answer = await served.ask(query, session.token);
    return { ...answer, session, left: await served.stored(session) };
  }
  return { ...served, leaves };
}
