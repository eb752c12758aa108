import { createYoga, type YogaServerOptions } from 'graphql-yoga';
import { useSession } from '../../../../src/adapters/yoga/index.js';
import { createSessions, type SessionContext, type SessionsOptions } from '../../../../src/index.js';
import { testClock } from '../../../support/clock.js';
import { countingStore } from '../../../support/counting-store.js';
import { listenInTest } from '../../../support/http.js';
import { ANN, type Data, type Handlers, makeSchema } from './app.js';
import { bearer, post } from './client.js';

type YogaOptions = Pick<YogaServerOptions<object, SessionContext<Data>>, 'plugins' | 'maskedErrors' | 'graphiql'>;

/** Sessions on a counting store. One of them is ann's. */
export async function makeSessions(options: SessionsOptions<Data> = {}) {
  const clock = testClock();
  const store = countingStore();
  const sessions = createSessions<Data>({ store, now: clock.now, ownerOf: (data) => data.userId, ...options });
  const { token, id } = await sessions.create(ANN);
  store.reset();
  /** The stored data of a session. */
  const stored = async (of = token) => (await sessions.fromToken(of)).session?.data;
  return { clock, store, sessions, token, id, stored };
}

/** A Yoga server on Node, with ann's session. */
export async function startYoga(
  handlers: Handlers,
  options: YogaOptions = {},
  sessionsOptions: SessionsOptions<Data> = {},
) {
  const made = await makeSessions(sessionsOptions);
  const yoga = createYoga({
    schema: makeSchema(handlers),
    logging: false,
    batching: true,
    ...options,
    plugins: [useSession(made.sessions), ...(options.plugins ?? [])],
  });
  const { server, url } = await listenInTest(yoga);
  const endpoint = `${url}/graphql`;
  const send = (query: string | readonly string[], headers: Readonly<Record<string, string>> = {}) =>
    post(endpoint, typeof query === 'string' ? { query } : query.map((each) => ({ query: each })), headers);
  /** Sends as ann. */
  const asAnn = (query: string | readonly string[], headers: Readonly<Record<string, string>> = {}) =>
    send(query, { ...bearer(made.token), ...headers });
  return { ...made, yoga, server, url, endpoint, send, asAnn };
}
