import { GraphQLError } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { requireFresh, requireSession, useSession } from 'token-sessions/yoga';
import type { News, NewsDesk } from './news.js';
import { FRESH_FOR, type PlaygroundContext, type PlaygroundSessions } from './sessions.js';
import { isUser } from './users.js';

const typeDefs = /* GraphQL */ `
  type User {
    userId: String!
    device: String!
    count: Int!
  }
  type Device {
    id: ID!
    device: String!
    isCurrent: Boolean!
    createdAt: Float!
  }
  type News {
    type: String!
    count: Int
  }
  type Query {
    me: User!
    devices: [Device!]!
    "Asks for the password again, some seconds after the login."
    recoveryCode: String!
  }
  type Mutation {
    "The token comes in the response header Session-Token."
    login(name: String!, password: String!, device: String!): Boolean!
    countUp: Int!
    endDevice(id: ID!): Boolean!
    rotate: Boolean!
    confirm(password: String!): Boolean!
    logout: Boolean!
    logoutEverywhere: Boolean!
  }
  type Subscription {
    news: News!
  }
`;

const DEFAULT_QUERY = `# 1. Run this. The token is in the header Session-Token of the answer: see the browser's network panel.
mutation Login { login(name: "ada", password: "lovelace", device: "GraphiQL") }

# 2. Put it into the Headers tab below: { "Authorization": "Bearer <token>" }
query Me { me { userId device count } }
mutation CountUp { countUp }
query Devices { devices { id device isCurrent } }
mutation LogoutEverywhere { logoutEverywhere }
`;

type Context = PlaygroundContext;
type Login = { readonly name: string; readonly password: string; readonly device: string };

/** Serves `/graphql`, with GraphiQL for browsers. */
export function graphqlApp(sessions: PlaygroundSessions, news: NewsDesk) {
  const resolvers = {
    Query: {
      me: (_: unknown, _args: unknown, ctx: Context) => requireSession(ctx).data,
      devices: async (_: unknown, _args: unknown, ctx: Context) => {
        requireSession(ctx);
        const list = await ctx.sessions.list();
        return list.map(({ data, ...session }) => ({ ...session, device: data.device }));
      },
      recoveryCode: (_: unknown, _args: unknown, ctx: Context) => {
        requireFresh(ctx, FRESH_FOR);
        return '4821 0937';
      },
    },
    Mutation: mutations(news),
    Subscription: {
      news: {
        subscribe: (_: unknown, _args: unknown, ctx: Context) => news.follow(requireSession(ctx)),
        resolve: (each: News) => each,
      },
    },
  };

  return createYoga({
    schema: createSchema<Context>({ typeDefs, resolvers }),
    plugins: [useSession(sessions)],
    graphiql: { title: 'token-sessions', defaultQuery: DEFAULT_QUERY },
    // Yoga's own page loads its parts from the Internet. This one has them: 9 MB, so read it late.
    renderGraphiQL: async (options) => (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
  });
}

function mutations(news: NewsDesk) {
  return {
    login: async (_: unknown, { name, password, device }: Login, ctx: Context) => {
      if (!isUser(name, password)) throw new GraphQLError('wrong name or password');
      await ctx.sessions.create({ userId: name, device });
      return true;
    },
    countUp: async (_: unknown, _args: unknown, ctx: Context) => {
      const session = requireSession(ctx);
      const { count } = await session.update((data) => {
        data.count += 1;
      });
      news.counted(session.id, count);
      return count;
    },
    endDevice: (_: unknown, { id }: { readonly id: string }, ctx: Context) => {
      requireSession(ctx);
      return ctx.sessions.destroy(id);
    },
    rotate: async (_: unknown, _args: unknown, ctx: Context) => {
      await requireSession(ctx).rotate();
      return true;
    },
    confirm: async (_: unknown, { password }: Pick<Login, 'password'>, ctx: Context) => {
      const session = requireSession(ctx);
      if (!isUser(session.data.userId, password)) throw new GraphQLError('wrong password');
      await session.rotate({ reauthenticated: true });
      return true;
    },
    logout: async (_: unknown, _args: unknown, ctx: Context) => {
      await requireSession(ctx).destroy();
      return true;
    },
    logoutEverywhere: async (_: unknown, _args: unknown, ctx: Context) => {
      const session = requireSession(ctx);
      await ctx.sessions.destroyOthers();
      await session.destroy();
      return true;
    },
  };
}
