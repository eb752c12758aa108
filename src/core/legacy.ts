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

/** A token of another library, as a source has recognised it. */
export interface LegacyToken {
  readonly sessions: LegacySessions;
  readonly key: string;
  /** As it was sent. */
  readonly text: string;
  /** Whether the source that it came from can also write a new one to the response. */
  readonly answered: boolean;
}

/** A {@link LegacyToken}, and how its session is handed a new one: `null` where that cannot be done now. `lifetime` is in ms. */
export interface LegacyClaim extends Omit<LegacyToken, 'answered'> {
  readonly deliver: ((token: string, lifetime: number) => void) | null;
}
