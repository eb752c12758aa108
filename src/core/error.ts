/** The kind of an error. The codes are stable; the messages are for people and may change. */
export type SessionErrorCode =
  /** The session has ended: destroyed, expired, evicted or replaced. Nothing was written. */
  | 'SESSION_GONE'
  /** Others wrote first at each of many tries. Nothing was written: try again later. */
  | 'CONFLICT'
  /** Data is not JSON, too large or refused by the schema; or a stored record cannot be read. */
  | 'INVALID_DATA'
  /** An option or argument with a value that is not allowed; the message names it. */
  | 'INVALID_OPTION'
  /** The store failed or was too slow. A write that was under way may or may not have happened. */
  | 'STORE_UNAVAILABLE'
  /** The account has as many sessions as `maxPerOwner` allows. Nothing was inserted. */
  | 'LIMIT_REACHED'
  /** The store, or the way the library is used, lacks what this operation needs. */
  | 'NOT_SUPPORTED'
  /** A source must write the token to the response, whose head has left. Nothing was inserted. */
  | 'HEADERS_SENT'
  /** The session was authenticated longer ago than `requireFresh` allows (RFC 9470). */
  | 'STEP_UP_REQUIRED'
  /** A session is required, and the request has none. */
  | 'UNAUTHENTICATED'
  /** A source would write a cookie for another site's page (login CSRF). Nothing was inserted. */
  | 'CROSS_SITE'
  /** The token of the request has been replaced: the client must use the one that it was given. */
  | 'TOKEN_REPLACED';

/** A union, so that hosts which type their statuses, such as Hono, accept one without a cast. */
type Status = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 418 | 422 | 423 | 429 | 500 | 502 | 503 | 504 | 507;

/** The HTTP status of each code. */
const STATUS: Readonly<Record<SessionErrorCode, Status>> = {
  SESSION_GONE: 401,
  CONFLICT: 409,
  INVALID_DATA: 422,
  INVALID_OPTION: 500,
  STORE_UNAVAILABLE: 503,
  LIMIT_REACHED: 429,
  NOT_SUPPORTED: 500,
  HEADERS_SENT: 500,
  STEP_UP_REQUIRED: 401,
  UNAUTHENTICATED: 401,
  CROSS_SITE: 403,
  TOKEN_REPLACED: 409,
};

/**
 * The one error class of the library. Recognise it with {@link isSessionError}, and distinguish
 * cases by {@link code}.
 *
 * @example
 * try {
 *   await session.update(change);
 * } catch (error) {
 *   if (isSessionError(error) && error.code === 'CONFLICT') return tryLater();
 *   throw error;
 * }
 */
export class SessionError extends Error {
  /** Always `'SessionError'`, by which {@link isSessionError} recognises it. */
  override readonly name = 'SessionError';
  /** The kind of failure. Compare this, never the message. */
  readonly code: SessionErrorCode;
  /** The HTTP status that a host should answer with. Express, Fastify and others read it. */
  readonly status: Status;
  /** For `STEP_UP_REQUIRED`: the longest time since authentication that is accepted, in ms. */
  readonly maxAge?: number;
  /**
   * For `STEP_UP_REQUIRED`: whether nothing ran before, so that a client may repeat the request.
   */
  readonly mayRepeat?: boolean;

  /**
   * For adapters and stores of your own: the status is that of the code, unless `options` has
   * one.
   */
  constructor(
    code: SessionErrorCode,
    message: string,
    options?: { cause?: unknown; maxAge?: number; mayRepeat?: boolean; status?: Status },
  ) {
    super(message, options && 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.status = options?.status ?? STATUS[code];
    if (options?.maxAge !== undefined) this.maxAge = options.maxAge;
    if (options?.mayRepeat !== undefined) this.mayRepeat = options.mayRepeat;
  }

  /** GraphQL servers without the library's plugin put these on the answer. */
  get extensions(): { readonly code: string } {
    return { code: this.code };
  }
}

/**
 * Whether `error` is a {@link SessionError}, also one of another copy of this library.
 *
 * @example
 * if (isSessionError(error) && error.code === 'STORE_UNAVAILABLE') return tryLater();
 */
export function isSessionError(error: unknown): error is SessionError {
  return error instanceof Error && error.name === 'SessionError' && 'code' in error;
}

/** Whether the error means that data cannot be read, or is refused. */
export function isInvalid(error: unknown): error is SessionError {
  return isSessionError(error) && error.code === 'INVALID_DATA';
}

/** For `catch`: `null` if the data cannot be read. Any other error goes on. */
export function nullIfInvalid(error: unknown): null {
  if (isInvalid(error)) return null;
  throw error;
}

/** The error of a write to a session that has ended. */
export function gone(): SessionError {
  return new SessionError(
    'SESSION_GONE',
    'the session has ended, and nothing was written: the user must log in again',
  );
}

/**
 * The error of a read, by that of a check of the data. The client is not at fault for stored data,
 * so it is a failure inside the server.
 */
export function ofStored(error: SessionError): SessionError;
export function ofStored(error: unknown): unknown;
export function ofStored(error: unknown): unknown {
  if (!isInvalid(error)) return error;
  return new SessionError(error.code, error.message, { cause: error, status: 500 });
}

/**
 * Returns what `make` returns, without stack traces. Use it for errors that report an ordinary
 * event and are made by the thousand. The code that ends a session is not the code of its streams,
 * so a trace would show only the library. It would also cost more than everything else.
 */
export function withoutStack<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  limitStack(0);
  try {
    return make();
  } finally {
    limitStack(stackTraceLimit);
  }
}

function limitStack(frames: number): void {
  try {
    Error.stackTraceLimit = frames;
  } catch {
    // If the built-ins are frozen, errors keep their stacks.
  }
}
