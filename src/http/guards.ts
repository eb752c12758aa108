import { type Duration, parseDuration } from '../core/duration.js';
import { SessionError } from '../core/error.js';
import type { Call } from '../core/session/call.js';
import { isUnreadable } from '../core/session/unreadable-session.js';
import type { Session } from '../core/types.js';
import { typed } from './context.js';
import { callOf } from './host.js';
import { field } from './hosts.js';

/** A context, `c.var`, a request: the object on which a host keeps the session. */
export type WithSession<Data> = {
  /** The session, or `null` when anonymous. */
  readonly session: Session<Data> | null;
};

/**
 * The session of a handler or resolver that requires one. It follows the call: after a login in
 * the call it is the new session, after a logout there is none.
 *
 * @example
 * app.get('/me', (req, res) => res.json(requireSession(req).data)); // Express
 *
 * @throws `UNAUTHENTICATED` when the caller is anonymous or the session has ended
 */
export function requireSession<Data>(context: WithSession<Data>): Session<Data> {
  const call = callOf(field(context, 'sessions'));
  const session = call
    ? typed<Data>(call.liveSession)
    : (field(context, 'session') as Session<Data> | null | undefined);
  if (session === undefined) throw notAContext();
  if (!session)
    throw refused(call, new SessionError('UNAUTHENTICATED', 'a session is required here, and the caller has none'));
  assertVerified(session);
  return session;
}

/**
 * {@link requireSession} for an action whose user must have proven who they are at most `maxAge`
 * ago: at login, or at `rotate({ reauthenticated: true })` (OWASP ASVS 7.5.1).
 *
 * @example
 * // In a GraphQL resolver:
 * deleteAccount: (_parent, _args, ctx) => deleteAccountOf(requireFresh(ctx, '5m').data.userId),
 *
 * @throws `UNAUTHENTICATED` · `STEP_UP_REQUIRED`
 */
export function requireFresh<Data>(context: WithSession<Data>, maxAge: Duration): Session<Data> {
  const longest = parseDuration(maxAge, 'maxAge');
  const session = requireSession(context);
  assertFresh(session, longest, callOf(field(context, 'sessions')));
  return session;
}

/**
 * @param mayRepeat whether nothing has run before; for when the call itself does not know
 * @throws `STEP_UP_REQUIRED` when the user of the session was authenticated more than `maxAge` ms
 *   ago
 */
export function assertFresh(
  session: Session<unknown>,
  maxAge: number,
  call: Call | undefined,
  mayRepeat = call?.mayRepeat ?? false,
): void {
  const now = call?.request.services.settings.now() ?? Date.now();
  if (now - session.authenticatedAt <= maxAge) return;
  const error = new SessionError(
    'STEP_UP_REQUIRED',
    `the user was authenticated more than ${maxAge} ms ago: authenticate the user again, then call rotate({ reauthenticated: true })`,
    { maxAge, mayRepeat },
  );
  throw refused(call, error);
}

function refused(call: Call | undefined, error: SessionError): SessionError {
  if (call) call.refusal = error;
  return error;
}

/**
 * Lets an unreadable session count as present only if its token was verified.
 *
 * @throws the error of the read
 */
export function assertVerified(session: Session<unknown>): void {
  if (isUnreadable(session) && !session.isVerified) throw session.error;
}

function notAContext(): SessionError {
  return new SessionError(
    'NOT_SUPPORTED',
    'the context has no session of this library: add useSession(sessions) to the plugins, or the adapter of your host, and keep ctx.session as it is',
  );
}
