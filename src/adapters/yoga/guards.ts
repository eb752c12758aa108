import { type Duration, parseDuration } from '../../core/duration.js';
import { isSessionError, SessionError } from '../../core/error.js';
import { RequestHandle } from '../../core/session/request-sessions.js';
import type { Session, SessionContext } from '../../core/types.js';
import type { OperationContext } from './call.js';
import { OPERATION } from './call.js';
import { toGraphQLError, unauthenticated } from './errors.js';

/**
 * The session of a resolver that cannot do without: the operation's own draft, saved when the operation succeeds. Follows what
 * earlier fields did: after a login it is the new session, after a logout there is none. In the application's own `context()`, which runs
 * before, `await ctx.sessions.load()` instead.
 *
 * @throws `GraphQLError` with the code `UNAUTHENTICATED`
 */
export function requireSession<Data, Input = Data>(ctx: SessionContext<Data, Input>): Session<Data>;
export function requireSession<Data, Input>({ sessions, [OPERATION]: operation }: OperationContext<Data, Input>): Session<Data> {
  if (!sessions) throw notAContext();
  const session = operation ? operation.session : sessions.current;
  if (session) return session;
  throw unauthenticated();
}

/**
 * {@link requireSession} for what needs a user who has proven who they are at most `maxAge` ago: at login, or at
 * `rotate({ reauthenticated: true })`.
 *
 * @throws `GraphQLError` with the code `UNAUTHENTICATED` or `STEP_UP_REQUIRED`; over HTTP the latter has the challenge of RFC 9470
 */
export function requireFresh<Data, Input = Data>(ctx: SessionContext<Data, Input>, maxAge: Duration): Session<Data> {
  const session = requireSession(ctx);
  const longest = parseDuration(maxAge, 'maxAge');
  if (!(ctx.sessions instanceof RequestHandle)) throw notAContext();
  try {
    ctx.sessions.assertFresh(session, longest);
    return session;
  } catch (error) {
    throw isSessionError(error) ? toGraphQLError(error) : error;
  }
}

function notAContext(): SessionError {
  return new SessionError(
    'NOT_SUPPORTED',
    'the context has no sessions of this library: add useSession(sessions) to the plugins, and keep ctx.sessions as it is',
  );
}
