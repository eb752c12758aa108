import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { GraphQLError } from 'graphql';
import { createSessions, isSessionError, type SessionContext, type SessionStore } from 'token-sessions';
import { requireSession } from 'token-sessions/yoga';

interface Data {
  userId: string;
  views: number;
}

type Context = SessionContext<Data>;

const typeDefs = /* GraphQL */ `
  type Query {
    me: String!
  }
  type Mutation {
    login: String!
    visit: Int!
    logout: Boolean!
  }
`;

const resolvers = {
  Query: {
    me: (_: unknown, _args: unknown, ctx: Context) => requireSession(ctx).data.userId,
  },
  Mutation: {
    // A real login checks a password here.
    login: async (_: unknown, _args: unknown, ctx: Context) => (await ctx.sessions.create({ userId: 'ada', views: 0 })).token,
    // Nothing is saved by itself on Apollo Server: either update(), or change the data and call save().
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

/**
 * Serves on this port (0: any that is free), with sessions in `store` (default: in memory). Apollo Server sends `Cache-Control: no-store`
 * by itself; with a source that writes tokens to the response, a plugin has to send `contextValue.sessions.responseHeaders` as well.
 */
export async function start(port: number, store?: SessionStore) {
  const sessions = createSessions<Data>({ store });
  const server = new ApolloServer<Context>({ typeDefs, resolvers });
  const { url } = await startStandaloneServer(server, {
    context: ({ req }) => sessions.fromHeaders(req.headers, req).catch(unavailable),
    listen: { port },
  });
  return { url, stop: () => server.stop() };
}

/** An outage of the store is an outage to the client, and none of its message gets out. */
function unavailable(cause: unknown): never {
  if (!isSessionError(cause) || cause.code !== 'STORE_UNAVAILABLE') throw cause;
  throw new GraphQLError('The service is temporarily unavailable.', { extensions: { code: 'SERVICE_UNAVAILABLE', http: { status: 503 } } });
}
