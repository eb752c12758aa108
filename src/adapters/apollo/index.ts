/**
 * Sessions for Apollo Server 5.
 *
 * @module token-sessions/apollo
 */

import type { ApolloServerPlugin } from '@apollo/server';
import type { SessionContext } from '../../core/types.js';
import { hostOf } from '../../http/host.js';
import type { Sessions } from '../../http/sessions.js';
import { type ContextSource, contextFrom } from './context.js';
import { sessionPlugin } from './plugin.js';

export type { ContextSource, RequestLike, SocketLike } from './context.js';

/** The result of {@link apolloSessions}. */
export interface ApolloSessions<Data, Input = Data> {
  /**
   * For the option `plugins` of `ApolloServer`: saves what succeeded, and answers the library's
   * errors by their codes.
   */
  readonly plugin: ApolloServerPlugin<SessionContext<Data, Input>>;
  /**
   * The option `context` of any integration, or a part of your own:
   * `async (args) => ({ ...(await context(args)), db })`. Takes the arguments of the integrations:
   * `{ req, res }`, `{ headers }`, a Fetch `Request`, or the context of graphql-ws. Pass `res` if
   * there is one: cookies are put on it.
   */
  readonly context: (from: ContextSource) => Promise<SessionContext<Data, Input>>;
}

/**
 * Sessions for Apollo Server 5, with the rules, statuses and codes of `useSession` for Yoga: each
 * operation has a draft of its own. In a mutation, each root field decides about its own changes.
 * With `@defer`, changes in parts are saved when all parts succeeded. A batch makes one write.
 *
 * graphql-ws runs operations without Apollo Server. There, nothing is saved for the resolver: call
 * `save()` or `update()`. Each operation looks the session up again.
 *
 * @example
 * const { plugin, context } = apolloSessions(sessions);
 * const server = new ApolloServer<SessionContextOf<typeof sessions>>({
 *   typeDefs,
 *   resolvers,
 *   plugins: [plugin],
 * });
 * await startStandaloneServer(server, { context });
 *
 * @throws `NOT_SUPPORTED` unless `sessions` is what a `createSessions` of this version returned
 */
export function apolloSessions<Data, Input>(sessions: Sessions<Data, Input>): ApolloSessions<Data, Input> {
  const host = hostOf(sessions);
  const plugin = sessionPlugin<Data, Input>(host);
  return { plugin, context: (from) => contextFrom<Data, Input>(host, plugin, from) };
}
