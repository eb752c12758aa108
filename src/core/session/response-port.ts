/** The head of the response to a request, as far as sessions write to it. */
export interface ResponseHeadPort {
  readonly headers: Headers;
  /** Whether a source is configured that writes to the response. */
  readonly hasWriters: boolean;
  /** @throws `HEADERS_SENT` when a configured source can no longer write · `CROSS_SITE` when it must not */
  assertWritable(): void;
  /** Whether a source that writes is configured, and can do it now. */
  isWritable(): boolean;
  /** A token of this session goes out. `lifetime` is the longest that the session can have from now on, in ms. */
  issued(sessionId: string, token: string, lifetime: number): void;
  /** The client's session has ended. */
  ended(sessionId: string): void;
  /** The answer may carry a token in its body: it is not to be cached. */
  noStore(): void;
  /** Whether the headers reach the client without the host's help. */
  readonly sendsItself: boolean;
  /** The headers are on their way: from now on nothing can be written. */
  seal(): void;
}
