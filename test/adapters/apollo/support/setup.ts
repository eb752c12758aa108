import { GraphQLError } from 'graphql';
import { onTestFinished } from 'vitest';
import { requireFresh, requireSession, type SessionsOptions } from '../../../../src/index.js';
import { ANN, type Data, type Handlers } from '../../yoga/support/app.js';
import { post, bearer as withToken } from '../../yoga/support/client.js';
import { makeSessions } from '../../yoga/support/setup.js';
import { startApollo } from './app.js';

export const run: NonNullable<Handlers['run']> = {
  me: (ctx) => requireSession(ctx).data.userId,
  theme: (ctx, value) => {
    requireSession(ctx).data.theme = value;
    return value;
  },
  views: (ctx) => {
    requireSession(ctx).data.views += 1;
    return 'counted';
  },
  promoteAndFail: (ctx) => {
    requireSession(ctx).data.role = 'admin';
    throw new GraphQLError('refused');
  },
  login: async (ctx, value) => (await ctx.sessions.create({ ...ANN, userId: value })).token,
  fresh: (ctx) => requireFresh(ctx, '5m').data.userId,
  news: () => 'news',
};

/** An Apollo Server with these resolvers, and a session of Ann's. */
export async function start(
  options: Parameters<typeof startApollo<Data>>[2] = {},
  sessionsOptions: SessionsOptions<Data> = {},
) {
  const made = await makeSessions(sessionsOptions);
  const { url, server, stop } = await startApollo(made.sessions, { run }, options);
  onTestFinished(stop);
  const send = (query: string | readonly string[], headers: Readonly<Record<string, string>> = {}) =>
    post(url, typeof query === 'string' ? { query } : query.map((each) => ({ query: each })), headers);
  const asAnn = (query: string | readonly string[]) => send(query, withToken(made.token));
  return { ...made, url, server, send, asAnn };
}
