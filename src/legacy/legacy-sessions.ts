/** A live session of another library. */
export interface LegacySession {
  /** The application's data. */
  readonly data: unknown;
  /** When it ends, in ms since the epoch; absent where its own library sets no limit. */
  readonly expiresAt?: number | undefined;
}

/**
 * The sessions that another library has left in its store. A source with this option goes on
 * accepting their tokens. The first request with one moves its session into the store of
 * `createSessions`, and gets a new token.
 *
 * The errors of `read` and `remove` must not contain the token: their messages are logged.
 */
export interface LegacySessions {
  /**
   * The kind of tokens: letters and digits. A key of one kind never opens a session of another.
   */
  readonly scheme: string;
  /**
   * Returns the old store's key for this token, or `undefined` if it is not such a token. Must
   * verify any signature: nothing else is checked. Must return the same key for each spelling of a
   * token. Synchronous and without side effects.
   */
  keyOf(token: string): string | undefined;
  /**
   * The live session with this key, or `null`. Never one that this library has written.
   *
   * @throws `INVALID_DATA` if it cannot be read
   */
  read(key: string): Promise<LegacySession | null>;
  /** Removes the session with this key, if it is there. After that, `read` must not find it. */
  remove(key: string): Promise<void>;
}
