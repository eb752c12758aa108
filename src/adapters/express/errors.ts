import { isSessionError } from '../../core/error.js';
import { publicError } from '../../http/errors.js';

/**
 * An error as Express and Connect know it: the status is sent, the cause is for the server's log.
 */
export interface HttpError extends Error {
  readonly status: number;
  readonly statusCode: number;
  /** The code of the library's error, for clients. */
  readonly code: string;
  /** The message may be shown. */
  readonly expose: boolean;
}

/**
 * The library's error, as an HTTP client gets it. Errors of the application stay what they are.
 */
export function toHttpError(cause: unknown): unknown {
  if (!isSessionError(cause)) return cause;
  const { status, message, code } = publicError(cause);
  const error: HttpError = Object.assign(new Error(message, { cause }), { status, statusCode: status, code, expose: true });
  return error;
}
