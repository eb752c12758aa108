import { SessionError } from '../core/error.js';
import type { Call } from '../core/session/call.js';
import { CALL } from '../core/session/call-sessions.js';
import { PROTOCOL, VERSION } from '../version.js';
import { field, isObject } from './hosts.js';
import type { IncomingRequest, OpenedRequest } from './request.js';

/** The key of {@link Host}. It is the same in all copies of the package. */
export const HOST: unique symbol = Symbol.for('token-sessions.host');

/** The part of a `createSessions` result that adapters use. */
export interface Host {
  readonly protocol: number;
  readonly version: string;
  open(incoming: IncomingRequest): OpenedRequest;
  /** Whether a call belongs to this `createSessions`. */
  owns(call: Call): boolean;
  /** The names of the sources, in their order. */
  readonly sourceNames: readonly string[];
  /** Logs a warning, once. */
  warnOnce(message: string): void;
}

export const HOST_VERSION = { protocol: PROTOCOL, version: VERSION };

/**
 * Returns the adapters' side of a `createSessions` result.
 *
 * @throws `NOT_SUPPORTED` for any other object, and for a copy with another protocol number
 */
export function hostOf(sessions: { readonly [HOST]: Host }): Host {
  const host: unknown = field(sessions, HOST);
  if (!isHost(host)) {
    throw new SessionError(
      'NOT_SUPPORTED',
      'sessions must be the object that createSessions() returned, not a copy of it',
    );
  }
  if (host.protocol === PROTOCOL) return host;
  throw new SessionError(
    'NOT_SUPPORTED',
    `two versions of token-sessions cannot work together: ${String(host.version)} made the sessions, ${VERSION} uses them. Install only one`,
  );
}

function isHost(value: unknown): value is Host {
  return isObject(value) && 'protocol' in value && typeof field(value, 'open') === 'function';
}

/** The call behind `ctx.sessions`. `undefined` for any other object, including a copy. */
export function callOf(sessions: unknown): Call | undefined {
  const call = field(sessions, CALL);
  return isObject(call) ? (call as Call) : undefined;
}

/** {@link callOf} for a context of this `createSessions`. @throws `NOT_SUPPORTED` */
export function ownCallOf(sessions: unknown, host: Host): Call {
  const call = callOf(sessions);
  if (!call) {
    throw new SessionError(
      'NOT_SUPPORTED',
      'ctx.sessions must be the object that createContext put on the context: do not copy or replace it',
    );
  }
  if (host.owns(call)) return call;
  throw new SessionError(
    'NOT_SUPPORTED',
    'the context has the sessions of another createSessions(): use guards and context of the same createSessions()',
  );
}
