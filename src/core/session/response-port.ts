/** A token that a response carries. */
export interface IssuedToken {
  /** The id of the token's session. */
  readonly id: string;
  readonly token: string;
  /** The longest time that the session can still live, in ms. */
  readonly lifetime: number;
  /**
   * When the token was rotated, in ms since the epoch. Absent if the token must go out however
   * late the answer is, such as the token of a new session.
   */
  readonly rotatedAt?: number;
}

/** The head of a response: the part of it that sessions write. */
export interface ResponseHeadPort {
  readonly headers: Headers;
  /** Whether a source that writes to the response is configured. */
  readonly hasWriters: boolean;
  /** {@link headers}, for an application that sends them itself. */
  read(): Headers;
  /**
   * @param isSealed whether the head of the answer to the call is on its way
   * @throws `HEADERS_SENT` when a configured source can no longer write · `CROSS_SITE` when it
   *   must not write
   */
  assertWritable(isSealed?: boolean): void;
  /** Whether a source that writes is configured, and can write now. */
  isWritable(): boolean;
  /** Whether a token may be rotated only because of its age. */
  mayRotate(): boolean;
  /** The response must carry this token. */
  issued(token: IssuedToken): void;
  /** The head leaves now. A rotated token that comes too late is removed from it. */
  settle(): void;
  /** The client's session has ended. */
  ended(sessionId: string): void;
  /** The body of the answer may carry a token, so the answer must not be cached. */
  noStore(): void;
  /** Whether the headers reach the client without the host's help. */
  readonly sendsItself: boolean;
  /** The headers are on their way. From now on, nothing can be written. */
  seal(): void;
}
