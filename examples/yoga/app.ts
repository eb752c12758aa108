import { createSchema, createYoga } from 'graphql-yoga';
import { createSessions, type SessionContext } from 'token-sessions';
import { requireSession, useSession } from 'token-sessions/yoga';

interface Data {
  userId: string;
  views: number;
}

const sessions = createSessions<Data>();

const typeDefs = /* GraphQL */ `
  type Query {
    views: Int!
  }
  type Mutation {
    login: String!
    visit: Int!
    logout: Boolean!
  }
`;

const resolvers = {
  Query: {
    views: (_: unknown, _args: unknown, ctx: SessionContext<Data>) => requireSession(ctx).data.views,
  },
  Mutation: {
    // A real login checks a password here.
    login: async (_: unknown, _args: unknown, ctx: SessionContext<Data>) => {
      const { token } = await ctx.sessions.create({ userId: 'ada', views: 0 });
      return token;
    },
    visit: async (_: unknown, _args: unknown, ctx: SessionContext<Data>) => {
      const { views } = await requireSession(ctx).update((data) => {
        data.views += 1;
      });
      return views;
    },
    logout: async (_: unknown, _args: unknown, ctx: SessionContext<Data>) => {
      await requireSession(ctx).destroy();
      return true;
    },
  },
};

/**
 * A request listener for `node:http` (`createServer(yoga)`). `yoga.fetch` is one for all others.
 */
export const yoga = createYoga({
  schema: createSchema<SessionContext<Data>>({ typeDefs, resolvers }),
  plugins: [useSession(sessions)],
});
