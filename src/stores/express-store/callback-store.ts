import { SessionError } from '../../core/error.js';

/**
 * A store in the style of express-session, as much of it as is used here: those of express-session
 * and of `express-token-session` fit. Each method calls its callback once; what it returns does
 * not matter.
 */
export interface CallbackStore {
  /**
   * Calls back with the session, or with nothing (or an error with the code `ENOENT`) where there
   * is none.
   */
  get(sid: string, callback: (error?: unknown, session?: unknown) => void): unknown;
  /**
   * Inserts or overwrites. What it stores is JSON; how long it keeps it, it reads from
   * `session.cookie`.
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
  /** An event emitter's: `disconnect` and `connect` tell whether the store can be reached. */
  on?(event: string, listener: () => void): unknown;
}

/** Whether a store's error says that the session is not there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

/** What may be said of a store's error where its message could hold a key that is a credential. */
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
  if (typeof store === 'object' && store !== null && names.every((name) => typeof store[name] === 'function')) return store;
  throw new SessionError('INVALID_OPTION', `${taker}(store) takes a store in the style of express-session: with get, set and destroy`);
}
