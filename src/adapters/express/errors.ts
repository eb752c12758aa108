import { isSessionError } from '../../core/error.js';
import { publicError } from '../../http/errors.js';

/** An error in the form of Express and Connect. They send the status, and log the cause. */
export interface HttpError extends Error {
  readonly status: number;
  readonly statusCode: number;
  /** The code of the library's error, for clients. */
  readonly code: string;
  /** The message may be shown. */
  readonly expose: boolean;
}

/** The form of a library error for HTTP clients. Errors of the application stay as they are. */
export function toHttpError(cause: unknown): unknown {
  if (!isSessionError(cause)) return cause;
  const { status, message, code } = publicError(cause);
  const error: HttpError = Object.assign(new Error(message, { cause }), {
    status,
    statusCode: status,
    code,
    expose: true,
  });
  return error;
}
