import { GraphQLError } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { requireSession, useSession } from 'token-sessions/yoga';
import type { DemoContext, DemoSessions } from './sessions.js';
import { isUser } from './users.js';

const typeDefs = /* GraphQL */ `
  type User {
    userId: String!
    views: Int!
    theme: String!
    plan: String!
  }
  type Query {
    "Who is logged in, or null."
    viewer: User
    me: User!
  }
  type Mutation {
    "Answers the token for the Authorization header."
    login(name: String!, password: String!): String!
    visit: Int!
    logout: Boolean!
  }
`;

interface Credentials {
  readonly name: string;
  readonly password: string;
}

const resolvers = {
  Query: {
    viewer: (_: unknown, _args: unknown, ctx: DemoContext) => ctx.session?.data ?? null,
    me: (_: unknown, _args: unknown, ctx: DemoContext) => requireSession(ctx).data,
  },
  Mutation: {
    login: async (_: unknown, { name, password }: Credentials, ctx: DemoContext) => {
      if (!isUser(name, password)) throw new GraphQLError('wrong name or password');
      const session = await ctx.sessions.create({ userId: name });
      return session.token;
    },
    visit: async (_: unknown, _args: unknown, ctx: DemoContext) => {
      const { views } = await requireSession(ctx).update((data) => {
        data.views += 1;
      });
      return views;
    },
    logout: async (_: unknown, _args: unknown, ctx: DemoContext) => {
      await requireSession(ctx).destroy();
      return true;
    },
  },
};

/** Answers requests to `/graphql`. */
export function graphqlHandler(sessions: DemoSessions) {
  return createYoga({
    schema: createSchema<DemoContext>({ typeDefs, resolvers }),
    plugins: [useSession(sessions)],
    graphiql: false,
  });
}
