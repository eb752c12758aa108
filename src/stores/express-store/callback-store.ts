import { SessionError } from '../../core/error.js';

/**
 * A store in the style of express-session: the part that the library uses. Stores for
 * express-session and `express-token-session` fit. Each method calls its callback once. Return
 * values do not matter.
 */
export interface CallbackStore {
  /**
   * Calls back with the session. If there is none, calls back with nothing, or with an error whose
   * code is `ENOENT`.
   */
  get(sid: string, callback: (error?: unknown, session?: unknown) => void): unknown;
  /**
   * Inserts or overwrites. The store writes the session as JSON. It reads from `session.cookie`
   * how long to keep it.
   */
  set(sid: string, session: object, callback: (error?: unknown) => void): unknown;
  /** Removes the session, if it is there. */
  destroy(sid: string, callback: (error?: unknown) => void): unknown;
  /** How many sessions there are. */
  length?(callback: (error?: unknown, length?: unknown) => void): unknown;
  /** Removes all sessions. */
  clear?(callback: (error?: unknown) => void): unknown;
  /** Calls back with all sessions, as an array or by their ids. */
  all?(callback: (error?: unknown, sessions?: unknown) => void): unknown;
  /** Of an event emitter. `disconnect` and `connect` report whether the store can be reached. */
  on?(event: string, listener: () => void): unknown;
}

/** Whether a store's error means that the session does not exist. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/**
 * Describes a store's error without its message, which could contain a key that is a credential.
 */
export function describeWithoutMessage(error: unknown): string {
  const name = error instanceof Error ? error.name : typeof error;
  const code = codeOf(error);
  return typeof code === 'string' && /^[A-Z_0-9]{1,40}$/.test(code) ? `${name} ${code}` : name;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
}

/** @throws `INVALID_OPTION` that names `taker`, unless it is a callback store */
export function checkStore(store: CallbackStore, taker: string): CallbackStore {
  const names = ['get', 'set', 'destroy'] as const;
  if (typeof store === 'object' && store !== null && names.every((name) => typeof store[name] === 'function'))
    return store;
  throw new SessionError(
    'INVALID_OPTION',
    `${taker}(store) requires a store in the style of express-session, with get, set and destroy`,
  );
}
