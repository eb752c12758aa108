/** A token that goes out with a response. */
export interface IssuedToken {
  /** The session's. */
  readonly id: string;
  readonly token: string;
  /** The longest that the session can have from now on, in ms. */
  readonly lifetime: number;
  /** When it was rotated, in ms since the epoch; absent where it has to go out however late, as that of a new session. */
  readonly rotatedAt?: number;
}

/** The head of the response to a request: the part that sessions write. */
export interface ResponseHeadPort {
  readonly headers: Headers;
  /** Whether a source is configured that writes to the response. */
  readonly hasWriters: boolean;
  /** {@link headers}, for the application: it sends them itself. */
  read(): Headers;
  /**
   * @param isSealed the head of the answer to the call is on its way
   * @throws `HEADERS_SENT` when a configured source can no longer write · `CROSS_SITE` when it
   *   must not
   */
  assertWritable(isSealed?: boolean): void;
  /** Whether a source that writes is configured, and can do it now. */
  isWritable(): boolean;
  /** Whether a token may be rotated because of its age alone. */
  mayRotate(): boolean;
  /** A token goes out. */
  issued(token: IssuedToken): void;
  /** The head leaves now: a rotated token that comes too late is taken out of it. */
  settle(): void;
  /** The client's session has ended. */
  ended(sessionId: string): void;
  /** The answer may carry a token in its body: it must not be cached. */
  noStore(): void;
  /** Whether the headers reach the client without the host's help. */
  readonly sendsItself: boolean;
  /** The headers are on their way: from now on nothing can be written. */
  seal(): void;
}
