import { isSessionError, type SessionErrorCode } from '../core/error.js';

/** What a client may know of an error. What happened stays on the server. */
export interface PublicError {
  readonly code: SessionErrorCode | 'INTERNAL';
  readonly status: number;
  readonly message: string;
}

const MESSAGES: Partial<Record<SessionErrorCode, string>> = {
  SESSION_GONE: 'The session has ended',
  UNAUTHENTICATED: 'A session is required',
  STEP_UP_REQUIRED: 'A more recent authentication is required',
  STORE_UNAVAILABLE: 'Sessions are not available at the moment',
  CONFLICT: 'The session was changed by others at the same time: try again',
  LIMIT_REACHED: 'The account has as many sessions as it may have',
  INVALID_DATA: 'The data cannot be kept in the session',
  CROSS_SITE: "Another site's page made the request",
  TOKEN_REPLACED: 'The token has been replaced: use the new one',
};

const INTERNAL: PublicError = { code: 'INTERNAL', status: 500, message: 'Internal server error' };

/** The one table of what clients are told, for every host. Any error that is not ours is one inside the server. */
export function publicError(error: unknown): PublicError {
  if (!isSessionError(error)) return INTERNAL;
  const message = MESSAGES[error.code];
  const status = error.status ?? 500;
  return message === undefined || status === 500 ? INTERNAL : { code: error.code, status, message };
}
