import { envelop, useEngine, useSchema } from '@envelop/core';
import * as graphql from 'graphql';
import { requireFresh, requireSession, useSession } from '../../../../src/adapters/yoga/index.js';
import type { SessionsOptions } from '../../../../src/index.js';
import { type Data, type Handlers, makeSchema } from './app.js';
import type { Result } from './client.js';
import { makeSessions } from './setup.js';

const { parse, validate, execute, subscribe, specifiedRules } = graphql;

const handlers: Handlers = {
  run: {
    me: ({ session }) => session?.data.userId ?? null,
    required: (ctx) => requireSession(ctx).data.userId,
    fresh: (ctx) => requireFresh(ctx, '1m').data.userId,
    darken: (ctx) => {
      requireSession(ctx).data.theme = 'dark';
      return 'done';
    },
    loginAndDarken: async ({ sessions }) => {
      const session = await sessions.create({ userId: 'bob', theme: 'light', views: 0 });
      session.data.theme = 'dark';
      return session.token;
    },
    login: async ({ sessions }) => (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token,
  },
  watch: {
    changes: async function* (ctx) {
      requireSession(ctx).data.views += 1;
      yield 'one';
      requireSession(ctx).data.theme = 'dark';
    },
    refused: async function* (ctx) {
      yield 'one';
      yield requireSession(ctx).id;
    },
    eventRefused: async function* () {
      yield 'one';
    },
    broken: async function* (ctx) {
      yield 'one';
      requireSession(ctx).data.theme = 'dark';
      throw new Error('of the application');
    },
  },
  event: { eventRefused: (ctx) => requireSession(ctx).id },
};

/** Envelop with graphql-js alone, and no server. */
export async function setUp(
  options: SessionsOptions<Data> = {},
  plugins: object[] = [],
  later: object[] = [],
  own: Handlers = handlers,
) {
  const made = await makeSessions(options);
  const engine = useEngine({ parse, validate, execute, subscribe, specifiedRules });
  const getEnveloped = envelop({
    plugins: [engine, useSchema(makeSchema(own)), ...plugins, useSession(made.sessions), ...later],
  });
  async function run(
    query: string,
    initial: Record<string, unknown> | undefined,
    later?: object,
  ): Promise<Result & AsyncIterable<Result>> {
    const enveloped = getEnveloped(initial);
    const document = enveloped.parse(query);
    const contextValue = await enveloped.contextFactory(later);
    const args = { schema: enveloped.schema, document, contextValue };
    return query.startsWith('subscription') ? enveloped.subscribe(args) : enveloped.execute(args);
  }
  return { ...made, getEnveloped, run };
}
