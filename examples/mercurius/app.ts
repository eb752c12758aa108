import fastify, { type FastifyRequest } from 'fastify';
import type { GraphQLError } from 'graphql';
import mercurius, { type IResolvers } from 'mercurius';
import {
  createSessions,
  isSessionError,
  requireSession,
  type SessionContext,
  type SessionStore,
} from 'token-sessions';
import { fastifySessions } from 'token-sessions/fastify';

interface Data {
  userId: string;
  theme: string;
}

const schema = /* GraphQL */ `
  type Query {
    me: String!
    theme: String!
  }
  type Mutation {
    login: String!
    theme(name: String!): String!
    logout: Boolean!
  }
`;

type Context = SessionContext<Data>;

declare module 'mercurius' {
  interface MercuriusContext extends Context {}
}

const resolvers: IResolvers = {
  Query: {
    me: (_, _args, ctx) => requireSession(ctx).data.userId,
    theme: (_, _args, ctx) => requireSession(ctx).data.theme,
  },
  Mutation: {
    // A real login checks a password here.
    login: async (_, _args, ctx) => (await ctx.sessions.create({ userId: 'ada', theme: 'light' })).token,
    // The Fastify plugin saves this, by the status of the answer.
    theme: (_, { name }: { name: string }, ctx) => {
      requireSession(ctx).data.theme = name;
      return name;
    },
    logout: async (_, _args, ctx) => {
      await requireSession(ctx).destroy();
      return true;
    },
  },
};

/** The server: `await makeApp().listen({ port: 3000 })`. */
export function makeApp(store?: SessionStore) {
  const app = fastify();
  app.register(fastifySessions(createSessions<Data>({ store })));
  app.register(mercurius, {
    schema,
    resolvers,
    context: async (request) => {
      const { session, sessions } = request as FastifyRequest & Context;
      return { session, sessions };
    },
    // Mercurius answers a failed operation with 200. Then its changes would be saved.
    errorFormatter: (execution, context) => {
      const { statusCode, response } = mercurius.defaultErrorFormatter(execution, context);
      return { statusCode: execution.data ? statusCode : statusOf(execution.errors?.[0]), response };
    },
  });
  return app;
}

function statusOf(error: GraphQLError | undefined): number {
  const cause = error?.originalError ?? error;
  return isSessionError(cause) ? cause.status : 500;
}
