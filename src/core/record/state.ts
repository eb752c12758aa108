import type { JsonObject, JsonValue } from '../data/json.js';

/** Why a token was made: `'reauthenticated'` where the user has just proven who they are. */
export type RotationKind = 'plain' | 'reauthenticated';

/** A token that `rotate` made and nobody has used yet. */
export interface PendingToken {
  readonly hash: string;
  /** What the session's `authenticatedAt` becomes with the first use. */
  readonly authenticatedAt: number;
  readonly kind: RotationKind;
  /** When it was made, or last renewed. */
  readonly madeAt: number;
  /**
   * The random value that this token and the current one's secret have in common. Absent where it
   * cannot be derived: the server made it (`find(id).rotate()`), or version 0.1.0 wrote the record
   * since.
   */
  readonly salt?: string | undefined;
}

/** The predecessor of the current token. Opens the session until `until`. */
export interface PreviousToken {
  readonly hash: string;
  readonly until: number;
  /**
   * Its own, which its successor's proof does not renew. 0 where version 0.1.0 wrote the record.
   */
  readonly authenticatedAt: number;
  /** How the current token was derived from this one. Absent where it was not. */
  readonly kind?: RotationKind | undefined;
  /** The random value that the current token was derived with, until the grace is over. */
  readonly salt?: string | undefined;
}

/** A token that opens nothing any more, remembered so that a request under way is no reuse. */
export interface ReplacedToken {
  /** The beginning of its hash; empty for every token of the family. */
  readonly mark: string;
  /** When its grace is over, or would be. */
  readonly until: number;
}

/** The tokens that a session knows. Times are in ms since the epoch. */
export interface TokenState {
  /** The hash of the token in use. */
  readonly current: string;
  /** The hash of the family. Absent in records of version 0.1.0. */
  readonly family?: string | undefined;
  /** When the current token was made. Absent where that was with the session, or is not known. */
  readonly madeAt?: number | undefined;
  readonly pending?: PendingToken | undefined;
  readonly previous?: PreviousToken | undefined;
  readonly replaced?: readonly ReplacedToken[] | undefined;
  /** Changes with each `immediate` rotation: what was opened in an earlier epoch is to end. */
  readonly epoch?: string | undefined;
}

/**
 * How far the move of another library's session has come; kept while that library's token is the
 * current one.
 */
export interface Migration {
  /**
   * `'copied'`: written, but the old session may have ended before. `'proven'`: it had not; it is
   * being removed. `'done'`: it is out of the old store.
   */
  readonly stage: 'copied' | 'proven' | 'done';
  /**
   * Distinguishes this copy from a later one with the same id. The first successor is derived with
   * it.
   */
  readonly nonce: string;
}

/** What the library keeps in a record's body. Times are in ms since the epoch. */
export interface SessionState {
  readonly tokens: TokenState;
  /** The current token's. */
  readonly authenticatedAt: number;
  readonly lastActiveAt: number;
  readonly migration?: Migration | undefined;
  /** The data as it was written, before the schema has read it. */
  readonly stored: JsonValue;
  /**
   * The body that this was read from: the fields that this version does not know are written back.
   */
  readonly origin?: JsonObject | undefined;
}
