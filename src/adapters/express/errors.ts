import type { SessionError } from '../../core/error.js';

/** An error as Express and Connect know it: the status is sent, the cause is for the server's log. */
export interface HttpError extends Error {
  readonly status: number;
  readonly statusCode: number;
  /** The message may be shown. */
  readonly expose: boolean;
}

/** What the store's trouble, or a stored record that cannot be read, is to an HTTP client. */
export function toHttpError(cause: SessionError): HttpError {
  const [status, message] = cause.code === 'STORE_UNAVAILABLE' ? [503, 'Service Unavailable'] : [500, 'Internal Server Error'];
  return Object.assign(new Error(message, { cause }), { status, statusCode: status, expose: true });
}
