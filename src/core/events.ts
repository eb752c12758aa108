import { describeError, type Logger } from './logger.js';

/** The fields of every event. They never contain a token, a hash or data. */
export interface SessionEvent {
  /** The public id of the session. */
  readonly id: string;
  /** The account, where the session has one. */
  readonly ownerId?: string;
}

/** The events of `sessions.on(event, listener)`, and what their listeners are given. */
export interface SessionEvents {
  /** A session was created, and has taken effect. */
  created: SessionEvent;
  /** `'destroyed'` by a call, `'replaced'` by a login, `'reuse'` by `onReuse: 'destroy'`. */
  destroyed: SessionEvent & { readonly reason: 'destroyed' | 'replaced' | 'reuse' };
  /** A session of another library was moved here, on a request with its old token. */
  migrated: SessionEvent;
  /** A new token was made: the old one goes on until it is used (`'pending'`), or ends at once. */
  rotated: SessionEvent & { readonly reason: 'pending' | 'immediate' };
  /**
   * A replaced token came back after its grace, however old: it was stolen, or a client lost the
   * new one. At most once a minute for each session and process.
   */
  'reuse-detected': SessionEvent;
  /** Ended to make room for a newer session of the same owner. */
  evicted: SessionEvent;
  /** An autosave found that its session had ended, and wrote nothing. */
  gone: SessionEvent;
  /** A write met a newer one: it was merged with it, or gave up after the last try. */
  conflict: SessionEvent & { readonly reason: 'merged' | 'gave-up' };
  /** A stored record cannot be read, or the schema refuses it. */
  'invalid-data': SessionEvent & { readonly reason: string };
  /**
   * A store call failed or took too long, or the store reports a problem. `id` is empty where it
   * is about no single session.
   */
  'store-error': SessionEvent & { readonly reason: string };
}

/** The name of an event. */
export type SessionEventName = keyof SessionEvents;
/** A function that `sessions.on` calls for an event. Its result is not awaited. */
export type SessionListener<Name extends SessionEventName> = (event: SessionEvents[Name]) => unknown;

/** Calls listeners in the order of events. A listener cannot affect the operation. */
export class EventHub {
  readonly #listeners = new Map<SessionEventName, Set<SessionListener<never>>>();
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  /** Adds a listener. Returns a function that removes it. */
  on<Name extends SessionEventName>(name: Name, listener: SessionListener<Name>): () => void {
    // Each listener gets a wrapper: a function that was added twice is called twice, and each
    // `off` removes one.
    const entry: SessionListener<Name> = (event) => listener(event);
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(entry));
    return () => void listeners.delete(entry);
  }

  has(name: SessionEventName): boolean {
    return (this.#listeners.get(name)?.size ?? 0) > 0;
  }

  emit<Name extends SessionEventName>(name: Name, event: SessionEvents[Name]): void {
    const listeners = this.#listeners.get(name);
    if (!listeners) return;
    for (const listener of [...listeners] as SessionListener<Name>[]) {
      try {
        // The result is not awaited, so that a listener that hangs delays nothing. A rejection is
        // logged.
        Promise.resolve(listener(event)).catch((error: unknown) => this.#report(name, error));
      } catch (error) {
        this.#report(name, error);
      }
    }
  }

  #report(name: SessionEventName, error: unknown): void {
    this.#logger?.error(`token-sessions: a listener of '${name}' failed: ${describeError(error)}`);
  }
}

/** The fields that every event has. */
export function eventOf(session: { readonly id: string; readonly ownerId?: string }): SessionEvent {
  return session.ownerId === undefined ? { id: session.id } : { id: session.id, ownerId: session.ownerId };
}
