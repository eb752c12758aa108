import type { SessionEventName, SessionListener } from './events.js';

/** How {@link Session.rotate} replaces the token. Both options may be set. */
export interface RotateOptions {
  /**
   * Ends every other token of the session at once, on every server, instead of when the new one
   * has been used. For changes of privilege, and when another person may have a copy of the token.
   * The new token goes to this call alone: if the answer is lost, or the call fails afterwards,
   * the user must log in again. So make it the last thing in a call.
   *
   * @default false
   */
  readonly immediate?: boolean | undefined;
  /**
   * The user has just proven who they are: the new token, and no other, gets a new
   * `authenticatedAt`. Only calls that pass this option are given that token.
   *
   * @default false
   */
  readonly reauthenticated?: boolean | undefined;
}

/**
 * A session as one call sees it. Times are in ms since the epoch, by the library's clock.
 *
 * Every method that talks to the store may reject with `STORE_UNAVAILABLE`.
 */
export interface Session<Data> {
  /** A UUIDv7 (RFC 9562). Public: safe to log and to show. */
  readonly id: string;
  /**
   * The call's own draft of the data. A change to it changes nothing else until it is saved.
   *
   * @throws `SESSION_GONE` after the call has ended or replaced the session
   */
  data: Data;
  /**
   * The token: a string only right after `create` or `rotate`, on the object that they were called
   * for. Not enumerable, and absent from JSON and from `util.inspect`.
   */
  readonly token: string | undefined;
  /** Whether this request created the session. */
  readonly isNew: boolean;
  /** When the session was created, in ms since the epoch. */
  readonly createdAt: number;
  /**
   * The last activity that was written; at most `touchInterval` old while the session is in use.
   */
  readonly lastActiveAt: number;
  /**
   * When the user last proved who they are: at `create`, or at
   * `rotate({ reauthenticated: true })`. It belongs to the token: a replaced token keeps its own.
   * 0 for a session of another library.
   */
  readonly authenticatedAt: number;
  /**
   * When the session ends unless it is used. 8.64e15, the last moment of a `Date`, without limits.
   */
  readonly expiresAt: number;
  /**
   * Aborts when the session ends, with a {@link SessionError} as its reason.
   *
   * @example
   * // In a subscription, so that its body is woken to clean up:
   * const { signal } = ctx.session;
   * for await (const [message] of on(messages, 'message', { signal })) yield message;
   */
  readonly signal: AbortSignal;

  /**
   * Writes the top-level fields that changed since they were read, merged with what others wrote
   * in the meantime. If nothing changed, the store is not asked. The adapters call it for you.
   *
   * @throws `SESSION_GONE` · `CONFLICT` · `INVALID_DATA` (not JSON, too large, refused by the
   *   schema, another owner)
   */
  save(): Promise<void>;

  /**
   * Changes the newest data atomically: the way to count. `change` must be synchronous. It gets
   * the newest data with this draft's unsaved changes, and mutates it. It may run again when
   * others wrote first, or when it throws or changes nothing. Resolves to what was written.
   *
   * @example
   * await session.update((data) => {
   *   data.views += 1;
   * });
   *
   * @throws what `change` throws (nothing is written then) · `SESSION_GONE` · `INVALID_DATA` ·
   *   `CONFLICT` · `NOT_SUPPORTED` for an asynchronous `change`, and for one that returns new data
   *   instead of changing it
   */
  update(change: (data: Data) => void): Promise<Data>;

  /**
   * Counts as activity: the idle deadline moves. Written at most once every `touchInterval`; in
   * between, the store is only asked whether the session still exists.
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
   * Gives the session a new token and resolves to it. The old one stays valid until the new one is
   * first used, and then for `rotationGrace`. All calls that rotate with one token get the same
   * new token, so that an answer which is lost can be asked for again.
   *
   * @example
   * // After the password was checked once more (OWASP ASVS 7.2.4):
   * return { token: await session.rotate({ reauthenticated: true, immediate: true }) };
   *
   * @throws `TOKEN_REPLACED` when the request's token has been replaced, or another new token
   *   waits for its first use · `SESSION_GONE` · `CONFLICT` · `HEADERS_SENT` · `CROSS_SITE`
   */
  rotate(options?: RotateOptions): Promise<string>;

  /**
   * Ends the session for good (OWASP ASVS 7.4.1). Resolves when no later request is served by it.
   * Ending a session that has ended is a no-op.
   */
  destroy(): Promise<void>;

  /** The form of a session object for logs and clients: everything except the token. */
  toJSON(): SessionJson<Data>;
}

/**
 * A session as JSON: what a client gets of one that a procedure or route returns. Times are in ms
 * since the epoch.
 */
export type SessionJson<Data> = {
  /** Public: a UUIDv7. */
  readonly id: string;
  /** The data, as the call's draft has it. */
  readonly data: Data;
  /** Whether this request created the session. */
  readonly isNew: boolean;
  /** When the session was created. */
  readonly createdAt: number;
  /** The last activity that was written. */
  readonly lastActiveAt: number;
  /** When the user last proved who they are. */
  readonly authenticatedAt: number;
  /** When the session ends unless it is used. */
  readonly expiresAt: number;
};

/** A session that was just created: its token is there. */
export type NewSession<Data> = Session<Data> & { readonly token: string };

/** An entry in a list of an account's sessions. Times are in ms since the epoch. */
export interface SessionInfo<Data> {
  /** Public: a UUIDv7, for `destroy(id)`. */
  readonly id: string;
  /** When the session was created. */
  readonly createdAt: number;
  /** The last activity that was written. */
  readonly lastActiveAt: number;
  /** When the session ends unless it is used. */
  readonly expiresAt: number;
  /** Whether it is the session of this call. */
  readonly isCurrent: boolean;
  /** The data, as it is stored. */
  readonly data: Data;
}

/** The sessions of one call: the same object however the context is spread or copied. */
export interface RequestSessions<Data, Input = Data> {
  /**
   * The call's session, or `null` when anonymous. Asks the store once for each HTTP request,
   * however often it is called; on a WebSocket once for each call.
   *
   * @throws `INVALID_DATA` when the stored record cannot be read
   */
  load(): Promise<Session<Data> | null>;
  /** The session as far as it is known now. Follows load, create and destroy. */
  readonly current: Session<Data> | null;
  /**
   * Creates a session and makes it the current one. Its `token` goes to the client. It takes
   * effect when the call succeeds: then the call's previous session is ended, sessions over
   * `maxPerOwner` are evicted, and sources that write put the token on the response. If the call
   * fails, the new session is removed. Outside a guard, and in streams, it takes effect at once.
   *
   * @example
   * // After the password was checked:
   * const session = await ctx.sessions.create({ userId: user.id });
   * return { token: session.token };
   *
   * @throws `INVALID_DATA` · `LIMIT_REACHED` · `HEADERS_SENT` · `CROSS_SITE`; nothing was inserted
   *   then
   */
  create(data: Input): Promise<NewSession<Data>>;
  /**
   * The sessions of the current session's account, oldest first (OWASP ASVS 7.5.2). Without an
   * owner, the current one alone.
   *
   * @example
   * const devices = await ctx.sessions.list();
   * return devices.map(({ id, lastActiveAt, isCurrent }) => ({ id, lastActiveAt, isCurrent }));
   */
  list(): Promise<SessionInfo<Data>[]>;
  /**
   * Ends a session of the current session's own account, and answers whether it was there. The id
   * of another account's session counts as unknown.
   */
  destroy(id: string): Promise<boolean>;
  /**
   * Ends all sessions of the current session's account except the current one, as after a change
   * of the password (OWASP ASVS 7.4.3). Answers how many.
   */
  destroyOthers(): Promise<number>;
  /** Aborts when the current session ends; never while the caller is anonymous. */
  readonly signal: AbortSignal;
  /**
   * The headers that belong on the response: `Cache-Control`, and those that the sources write.
   * The adapters send them.
   */
  readonly responseHeaders: Headers;
}

/**
 * The fields that the library puts on a context. A type alias, because some hosts accept only a
 * `Record<string, unknown>`.
 */
export type SessionContext<Data, Input = Data> = {
  /** The session of the call, or `null` when anonymous. */
  readonly session: Session<Data> | null;
  /** The operations on sessions that the call can do: log in, list, log out elsewhere. */
  readonly sessions: RequestSessions<Data, Input>;
};

/** The operations of the server itself, outside any request. */
export interface SessionAdministration<Data, Input = Data> {
  /**
   * Creates a session outside a request, at once: for tests, imports and login flows of your own.
   *
   * @throws `INVALID_DATA` · `LIMIT_REACHED`
   */
  create(data: Input): Promise<NewSession<Data>>;
  /**
   * The session with this id, or `null`. Does not count as activity, and neither do its methods.
   *
   * @throws `INVALID_DATA` when the stored record cannot be read
   */
  find(id: string): Promise<Session<Data> | null>;
  /**
   * All live sessions of an account, oldest first. Records that cannot be read are left out.
   *
   * @throws `NOT_SUPPORTED` without `ownerOf`, or when the store cannot list
   */
  listFor(ownerId: string): Promise<Omit<SessionInfo<Data>, 'isCurrent'>[]>;
  /**
   * Ends the session with this id for good, as an administrator does (OWASP ASVS 7.4.5). Answers
   * whether it was there.
   */
  destroy(id: string): Promise<boolean>;
  /**
   * Ends all sessions of an account, but the one with the id `except`, in steps (OWASP ASVS
   * 7.4.2). Answers how many. In SQL stores, expired ones may count until they are swept.
   *
   * @example
   * await sessions.destroyFor(user.id); // the account is disabled
   *
   * @throws `NOT_SUPPORTED` without `ownerOf`, or when the store cannot do it
   */
  destroyFor(ownerId: string, options?: { readonly except?: string | undefined }): Promise<number>;
  /**
   * How many sessions the store holds. Expired ones may count until they are swept.
   *
   * @throws `NOT_SUPPORTED` when the store cannot count
   */
  count(): Promise<number>;
  /**
   * Removes all expired sessions from the store, in steps, also those of the last hour, which the
   * library's own sweeps leave. Answers how many. Needed only with `sweepInterval: false`.
   *
   * @throws `NOT_SUPPORTED` when the store cannot sweep, as it forgets sessions on its own
   */
  sweep(): Promise<number>;
  /**
   * Calls the listener for each such event, after the commit and in order. A listener that throws
   * or hangs affects nothing. Returns a function that removes it.
   *
   * @example
   * sessions.on('reuse-detected', ({ id, ownerId }) => alertSecurity(id, ownerId));
   */
  on<Name extends SessionEventName>(event: Name, listener: SessionListener<Name>): () => void;
  /**
   * Waits for the writes under way and stops what runs in the background. The store's connection
   * stays yours.
   */
  close(): Promise<void>;
}
