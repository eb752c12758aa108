/** A live session of another library. */
export interface LegacySession {
  /** What the application kept in it. */
  readonly data: unknown;
  /** When it ends, in ms since the epoch; absent where its own library sets no limit. */
  readonly expiresAt?: number | undefined;
}

/**
 * The sessions that another library has left in its store. A source with this option goes on accepting their tokens: the first request
 * with one moves its session into the store of `createSessions`, and is given a new token.
 *
 * The errors of `read` and `remove` must not hold the token: what they say is logged.
 */
export interface LegacySessions {
  /** What kind of tokens these are: letters and digits. A key of one kind never opens a session of another. */
  readonly scheme: string;
  /**
   * The key in the old store that this token is good for, or `undefined` for what is no such token. A signature is checked here, as
   * nothing else about the token is looked at. The same key for each spelling of a token. Synchronous and without side effects.
   */
  keyOf(token: string): string | undefined;
  /**
   * The live session with this key, or `null`. Never one that this library has written.
   *
   * @throws `INVALID_DATA` for what cannot be read
   */
  read(key: string): Promise<LegacySession | null>;
  /** Removes the session with this key, also when it is not there. Once answered, `read` does not find it any more. */
  remove(key: string): Promise<void>;
}
