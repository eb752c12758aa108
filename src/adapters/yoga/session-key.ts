import { OPEN_REQUEST, type Sessions } from '../../http/sessions.js';
import { toGraphQLError } from './errors.js';
import type { Message } from './hooks.js';
import { yogaRequest } from './request.js';

/** The option `session` of `@graphql-yoga/plugin-response-cache`. */
export type SessionKey = (request: Message) => Promise<string | null>;

/**
 * What keeps the answers of different sessions apart in a cache: `useResponseCache({ session: sessionKey(sessions) })`. With
 * `session: () => null` one user is served what was answered to another.
 *
 * The cache asks before the operation begins, and before it answers from what it has: so the session is loaded here (once for the request,
 * with the plugin), and one that has ended is answered nothing any more. Resolves to the session's id, or `null` when anonymous.
 *
 * @throws `GraphQLError` with the code `SERVICE_UNAVAILABLE` or `INTERNAL_SERVER_ERROR`: what was cached is not answered then either
 */
export function sessionKey<Data, Input>(sessions: Sessions<Data, Input>): SessionKey {
  return async (request) => {
    const handle = sessions[OPEN_REQUEST](yogaRequest(request));
    try {
      return (await handle.load())?.id ?? null;
    } catch (error) {
      throw toGraphQLError(error, handle);
    }
  };
}
