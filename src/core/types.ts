import type { SessionEventName, SessionListener } from './events.js';

/** How {@link Session.rotate} replaces the token. */
export interface RotateOptions {
  /**
   * Ends the old token at once, instead of when the new one has been used. For logins and changes of privilege. Default `false`. Where the answer
   * with the new token is lost, or the store's answer to the write and to the look that follows it, nobody holds a token that
   * works: the user logs in again, and the session ends by its limits.
   */
  readonly immediate?: boolean | undefined;
  /** The user has just proven who they are: the new token has a new `authenticatedAt`. Default `false`. */
  readonly reauthenticated?: boolean | undefined;
}

/**
 * A session as a request sees it. Times are in ms since the epoch, by the library's clock.
 *
 * Every method that talks to the store may reject with `STORE_UNAVAILABLE`.
 */
export interface Session<Data> {
  /** A UUIDv7. Public: safe to log and to show. */
  readonly id: string;
  /** A draft of this procedure, operation or request: changing it changes nothing else until it is saved. */
  data: Data;
  /** The token: a string only right after `create` or `rotate`, on the object that they were called for. Not enumerable. */
  readonly token: string | undefined;
  /** Whether this request created the session. */
  readonly isNew: boolean;
  readonly createdAt: number;
  /** The last activity that was written; at most `touchInterval` old while the session is in use. */
  readonly lastActiveAt: number;
  /** When the user last proved who they are: at `create`, or at `rotate({ reauthenticated: true })`. */
  readonly authenticatedAt: number;
  /** When the session ends unless it is used. 8.64e15, the last moment of a `Date`, for a session without limits. */
  readonly expiresAt: number;
  /** Aborts when the session ends, with a {@link SessionError} as its reason. */
  readonly signal: AbortSignal;

  /**
   * Writes the top-level fields that changed since they were read, merged with what others wrote in the meantime. Nothing
   * changed: no store call.
   *
   * @throws `SESSION_GONE` · `INVALID_DATA` (not JSON, too large, refused by the schema, another owner) · `CONFLICT`
   */
  save(): Promise<void>;

  /**
   * Changes the newest data atomically: the way to count. `change` is synchronous, is given the newest data with this draft's
   * unsaved changes and mutates it; it may run again. Resolves to the data that was written.
   *
   * @throws what `change` throws (nothing is written then) · `SESSION_GONE` · `INVALID_DATA` · `CONFLICT`
   */
  update(change: (data: Data) => void): Promise<Data>;

  /**
   * Counts as activity: the idle deadline moves. Written at most every `touchInterval`; in between, the store is only asked whether
   * the session still exists.
   *
   * @throws `SESSION_GONE`
   */
  touch(): Promise<void>;

  /**
   * Reads the session again and drops the draft's unsaved changes.
   *
   * @throws `SESSION_GONE` · `INVALID_DATA` when the stored record cannot be read
   */
  reload(): Promise<void>;

  /**
   * Gives the session a new token and resolves to it. The old one stays valid until the new one is first used, and then for
   * `rotationGrace`: an answer that is lost loses nobody. A new token that was not used yet is replaced by the next `rotate`.
   *
   * @throws `SESSION_GONE`, also when this request's token has been replaced by now · `CONFLICT` · `HEADERS_SENT`
   */
  rotate(options?: RotateOptions): Promise<string>;

  /** Ends the session for good. Resolves when no later request is served by it. Ending what has ended is a no-op. */
  destroy(): Promise<void>;

  /** What logs and clients get of a session object: everything but the token. */
  toJSON(): SessionJson<Data>;
}

/** A session as JSON: what a client gets of one that a procedure or route returns. Times are in ms since the epoch. */
export type SessionJson<Data> = {
  readonly id: string;
  readonly data: Data;
  readonly isNew: boolean;
  readonly createdAt: number;
  readonly lastActiveAt: number;
  readonly authenticatedAt: number;
  readonly expiresAt: number;
};

/** A session that was created or rotated by this call: its token is there. */
export type NewSession<Data> = Session<Data> & { readonly token: string };

/** What a list of an account's sessions shows of each. */
export interface SessionInfo<Data> {
  readonly id: string;
  readonly createdAt: number;
  readonly lastActiveAt: number;
  readonly expiresAt: number;
  /** Whether it is the session of this request. */
  readonly isCurrent: boolean;
  readonly data: Data;
}

/** The sessions of one request: the same object however the context is spread or copied. */
export interface RequestSessions<Data, Input = Data> {
  /** The request's session, or `null` when anonymous. Asks the store once, however often it is called; on a WebSocket each time. */
  load(): Promise<Session<Data> | null>;
  /** The session as far as it is known now: follows load, create and destroy. */
  readonly current: Session<Data> | null;
  /**
   * Creates a session, makes it the current one and ends the request's previous one. Its `token` goes to the client.
   *
   * @throws `INVALID_DATA` · `LIMIT_REACHED` · `HEADERS_SENT` · `STORE_UNAVAILABLE`; nothing was handed out then
   */
  create(data: Input): Promise<NewSession<Data>>;
  /** The sessions of the current session's account, oldest first; only the current one where it has no owner. */
  list(): Promise<SessionInfo<Data>[]>;
  /** Ends a session of the current session's own account, and tells whether it was there. Another's id counts as unknown. */
  destroy(id: string): Promise<boolean>;
  /** Ends all sessions of the current session's account except the current one, and tells how many. */
  destroyOthers(): Promise<number>;
  /** Aborts when the current session ends; never for an anonymous request. */
  readonly signal: AbortSignal;
  /** What belongs on the response: `Cache-Control` and what the sources write. The adapters send it. */
  readonly responseHeaders: Headers;
}

/** What the library puts on a context. An alias, since some hosts take only what is a `Record<string, unknown>`. */
export type SessionContext<Data, Input = Data> = {
  readonly session: Session<Data> | null;
  readonly sessions: RequestSessions<Data, Input>;
};

/** The operations of the server itself, outside any request. */
export interface SessionAdministration<Data, Input = Data> {
  /** Creates a session outside a request: for tests, imports and your own login flows. */
  create(data: Input): Promise<NewSession<Data>>;
  /** The session with this id, or `null`. Does not count as activity. */
  find(id: string): Promise<Session<Data> | null>;
  /** All live sessions of an account, oldest first. @throws `NOT_SUPPORTED` without `ownerOf` or a store that can list */
  listFor(ownerId: string): Promise<Omit<SessionInfo<Data>, 'isCurrent'>[]>;
  /** Ends the session with this id for good, and tells whether it was there. */
  destroy(id: string): Promise<boolean>;
  /** Ends all sessions of an account, but the one with the id `except`, and tells how many. @throws `NOT_SUPPORTED` */
  destroyFor(ownerId: string, options?: { readonly except?: string | undefined }): Promise<number>;
  /** How many sessions the store holds; expired ones may count until they are swept. @throws `NOT_SUPPORTED` */
  count(): Promise<number>;
  /** Removes expired sessions from the store, and tells how many. @throws `NOT_SUPPORTED` */
  sweep(): Promise<number>;
  /** Calls the listener for each such event, after the commit and in order. Returns what removes it again. */
  on<Name extends SessionEventName>(event: Name, listener: SessionListener<Name>): () => void;
  /** Waits for the writes under way and stops what runs in the background. The store's connection stays the caller's. */
  close(): Promise<void>;
}
