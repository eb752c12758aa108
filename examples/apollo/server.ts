import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { createSessions, requireSession, type SessionContext, type SessionStore } from 'token-sessions';
import { apolloSessions } from 'token-sessions/apollo';

interface Data {
  userId: string;
  theme: string;
  views: number;
}

type Context = SessionContext<Data>;

const typeDefs = /* GraphQL */ `
  type Query {
    me: String!
    theme: String!
  }
  type Mutation {
    login: String!
    theme(name: String!): String!
    visit: Int!
    logout: Boolean!
  }
`;

const resolvers = {
  Query: {
    me: (_: unknown, _args: unknown, ctx: Context) => requireSession(ctx).data.userId,
    theme: (_: unknown, _args: unknown, ctx: Context) => requireSession(ctx).data.theme,
  },
  Mutation: {
    // A real login checks a password here.
    login: async (_: unknown, _args: unknown, ctx: Context) =>
      (await ctx.sessions.create({ userId: 'ada', theme: 'light', views: 0 })).token,
    // Saved by the plugin when the field succeeds.
    theme: (_: unknown, { name }: { name: string }, ctx: Context) => {
      requireSession(ctx).data.theme = name;
      return name;
    },
    visit: async (_: unknown, _args: unknown, ctx: Context) => {
      const { views } = await requireSession(ctx).update((data) => {
        data.views += 1;
      });
      return views;
    },
    logout: async (_: unknown, _args: unknown, ctx: Context) => {
      await requireSession(ctx).destroy();
      return true;
    },
  },
};

/** Serves on this port (0: any free one), with sessions in `store` (default: in memory). */
export async function start(port: number, store?: SessionStore) {
  const { plugin, context } = apolloSessions(createSessions<Data>({ store }));
  const server = new ApolloServer<Context>({ typeDefs, resolvers, plugins: [plugin] });
  const { url } = await startStandaloneServer(server, { context, listen: { port } });
  return { url, stop: () => server.stop() };
}
