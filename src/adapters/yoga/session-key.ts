import { toGraphQLError } from '../../graphql/errors.js';
import { hostOf } from '../../http/host.js';
import type { Sessions } from '../../http/sessions.js';
import type { Message } from './hooks.js';
import { yogaRequest } from './request.js';

/** The option `session` of `@graphql-yoga/plugin-response-cache`. */
export type SessionKey = (request: Message) => Promise<string | null>;

/**
 * Keeps the answers of different sessions apart in a cache. With `session: () => null`, one user
 * gets the answer of another.
 *
 * The cache calls this before it answers. So the session is loaded here (once for the request,
 * with the plugin), and a session that has ended gets no cached answer. Resolves to the session's
 * id, or `null` when anonymous.
 *
 * @example
 * useResponseCache({ session: sessionKey(sessions) });
 *
 * @throws `GraphQLError` with the code `SERVICE_UNAVAILABLE` or `INTERNAL_SERVER_ERROR`; then
 *   nothing is answered from the cache
 */
export function sessionKey<Data, Input>(sessions: Sessions<Data, Input>): SessionKey {
  const host = hostOf(sessions);
  return async (request) => {
    const opened = host.open(yogaRequest(request));
    const call = opened.open({ hasOutcome: false });
    try {
      await call.load();
      return call.session?.id ?? null;
    } catch (error) {
      throw toGraphQLError(error, opened);
    }
  };
}
