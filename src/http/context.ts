import type { Call } from '../core/session/call.js';
import type { RequestSessions, Session, SessionContext } from '../core/types.js';

/*
 * The core handles data as plain JSON. These functions give it the type from the schema or from
 * the type argument of `createSessions`.
 */

export function sessionsOf<Data, Input>(call: Call): RequestSessions<Data, Input> {
  return call.sessions as RequestSessions<Data, Input>;
}

export function typed<Data>(session: Session<unknown> | null): Session<Data> | null {
  return session as Session<Data> | null;
}

export function contextFor<Data, Input>(call: Call): SessionContext<Data, Input> {
  return { session: typed<Data>(call.session), sessions: sessionsOf<Data, Input>(call) };
}
