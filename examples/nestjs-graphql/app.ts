import 'reflect-metadata';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Args, Context, GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { createSessions, requireFresh, requireSession, type SessionContext, type SessionStore } from 'token-sessions';
import { apolloSessions } from 'token-sessions/apollo';

interface Data {
  userId: string;
  theme: string;
}

type WithSession = SessionContext<Data>;

const typeDefs = /* GraphQL */ `
  type Query {
    me: String!
    theme: String!
  }
  type Mutation {
    login: String!
    theme(name: String!): String!
    deleteAccount: Boolean!
    logout: Boolean!
  }
`;

@Resolver()
class SessionResolver {
  @Query('me')
  me(@Context() context: WithSession) {
    return requireSession(context).data.userId;
  }

  @Query('theme')
  theme(@Context() context: WithSession) {
    return requireSession(context).data.theme;
  }

  // A real login checks a password here.
  @Mutation('login')
  async login(@Context() context: WithSession) {
    return (await context.sessions.create({ userId: 'ada', theme: 'light' })).token;
  }

  // The plugin saves this when the field succeeds, and drops it when the field fails.
  @Mutation('theme')
  setTheme(@Context() context: WithSession, @Args('name') name: string) {
    requireSession(context).data.theme = name;
    if (name === '') throw new Error('A theme has a name');
    return name;
  }

  @Mutation('deleteAccount')
  async deleteAccount(@Context() context: WithSession) {
    await requireFresh(context, '5m').destroy();
    return true;
  }

  @Mutation('logout')
  async logout(@Context() context: WithSession) {
    await requireSession(context).destroy();
    return true;
  }
}

/** The server: `await (await makeApp()).listen(3000)`. `now` is the clock. */
export async function makeApp(store?: SessionStore, now?: () => number) {
  const { plugin, context } = apolloSessions(createSessions<Data>({ store, now }));

  @Module({
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        typeDefs,
        plugins: [plugin],
        context,
        // Otherwise NestJS answers 200 where the library says 401 or 503.
        preserveHttpStatusForExecutionErrors: false,
      }),
    ],
    providers: [SessionResolver],
  })
  class AppModule {}

  return NestFactory.create(AppModule, { logger: false });
}
