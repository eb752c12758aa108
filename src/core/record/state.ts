import type { JsonObject, JsonValue } from '../data/json.js';

/** Why a token was made. `'reauthenticated'`: the user has just proven their identity. */
export type RotationKind = 'plain' | 'reauthenticated';

/** A token that `rotate` made and that is still unused. */
export interface PendingToken {
  readonly hash: string;
  /** The session's `authenticatedAt` after the first use of this token. */
  readonly authenticatedAt: number;
  readonly kind: RotationKind;
  /** When the token was made or last renewed. */
  readonly madeAt: number;
  /**
   * The random value from which, with the current token's secret, this token was derived. Absent
   * if it cannot be derived: the server made it (`find(id).rotate()`), or version 0.1.0 has
   * written the record since.
   */
  readonly salt?: string | undefined;
}

/** The predecessor of the current token. It gives access until `until`. */
export interface PreviousToken {
  readonly hash: string;
  readonly until: number;
  /**
   * This token's own time; its successor's does not renew it. 0 if version 0.1.0 wrote the record.
   */
  readonly authenticatedAt: number;
  /** How the current token was derived from this one. Absent if it was not. */
  readonly kind?: RotationKind | undefined;
  /** The random value with which the current token was derived. Kept until the grace is over. */
  readonly salt?: string | undefined;
}

/** A token that gives no access any more. Remembered so that a late request is not a reuse. */
export interface ReplacedToken {
  /** The beginning of its hash. Empty: this entry stands for every token of the family. */
  readonly mark: string;
  /** When its grace ends, or would end. */
  readonly until: number;
}

/** The tokens that a session knows. Times are in ms since the epoch. */
export interface TokenState {
  /** The hash of the token in use. */
  readonly current: string;
  /** The hash of the family. Absent in records of version 0.1.0. */
  readonly family?: string | undefined;
  /** When the current token was made. Absent if it is as old as the session, or unknown. */
  readonly madeAt?: number | undefined;
  readonly pending?: PendingToken | undefined;
  readonly previous?: PreviousToken | undefined;
  readonly replaced?: readonly ReplacedToken[] | undefined;
  /** Changes with each `immediate` rotation. Streams that an earlier epoch opened must end. */
  readonly epoch?: string | undefined;
}

/**
 * The progress of the move of another library's session. Kept while that library's token is the
 * current one.
 */
export interface Migration {
  /**
   * `'copied'`: the copy is written, but the old session may have ended before. `'proven'`: it had
   * not, and is being removed. `'done'`: the old store no longer has it.
   */
  readonly stage: 'copied' | 'proven' | 'done';
  /**
   * Distinguishes this copy from a later one with the same id. The first successor is derived with
   * it.
   */
  readonly nonce: string;
}

/** The content of a record's body. Times are in ms since the epoch. */
export interface SessionState {
  readonly tokens: TokenState;
  /** The `authenticatedAt` of the current token. */
  readonly authenticatedAt: number;
  readonly lastActiveAt: number;
  readonly migration?: Migration | undefined;
  /** The data as it was written, before the schema processed it. */
  readonly stored: JsonValue;
  /** The body that this was decoded from. Fields that this version does not know are kept. */
  readonly origin?: JsonObject | undefined;
}
