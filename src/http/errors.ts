import { isSessionError, type SessionError, type SessionErrorCode } from '../core/error.js';

/** The part of an error that a client may know. The rest stays on the server. */
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
  CONFLICT: 'Another request changed the session at the same time: try again',
  LIMIT_REACHED: 'The account has the maximum number of sessions',
  INVALID_DATA: 'The data cannot be kept in the session',
  CROSS_SITE: 'A page of another site made the request',
  TOKEN_REPLACED: 'The token has been replaced: use the new one',
  HEADERS_SENT: 'A new session token cannot be sent over this connection: use a request that does not stream',
  NOT_SUPPORTED: 'Sessions are not set up for this: the log of the server says what to change',
  INVALID_OPTION: 'Sessions are not set up for this: the log of the server says what to change',
};

const INTERNAL: PublicError = { code: 'INTERNAL', status: 500, message: 'Internal server error' };

/** The one table of public errors, for every host. Any error that is not ours is INTERNAL. */
export function publicError(error: unknown): PublicError {
  if (!isSessionError(error)) return INTERNAL;
  const { code, status = 500 } = error;
  // A stored record that cannot be read is a fault inside the server, unlike data that is refused.
  const message = code === 'INVALID_DATA' && status === 500 ? undefined : MESSAGES[code];
  return message === undefined ? INTERNAL : { code, status, message };
}

/** The body of an `application/problem+json` answer. RFC 9457. */
export function problemBody(error: unknown): string {
  const { code, status, message } = publicError(error);
  return JSON.stringify({ title: message, status, code });
}

const NO_DETAILS: Partial<Pick<SessionError, 'code' | 'maxAge' | 'mayRepeat'>> = {};

/** The facts about a request that its HTTP response may use. */
export interface Exchange {
  /** Whether the client sent anything where a token is expected. */
  readonly tokenSent: boolean;
  /** `false`: a part of the request has run, even if the error does not know it. */
  readonly mayRepeat?: boolean | undefined;
}

/**
 * The value of `WWW-Authenticate` for a 401: RFC 6750, section 3, and RFC 9470, section 3. Clients
 * repeat a request whose challenge names an error, so none is named if a part is known to have
 * run. `SESSION_GONE` is such a case: the session ended while the call ran.
 */
export function challenge(error: unknown, { tokenSent, mayRepeat = true }: Exchange): string {
  const { maxAge, code, mayRepeat: isFirst } = isSessionError(error) ? error : NO_DETAILS;
  if (!mayRepeat || code === 'SESSION_GONE') return 'Bearer';
  if (maxAge === undefined) return tokenSent ? 'Bearer error="invalid_token"' : 'Bearer';
  if (!isFirst) return 'Bearer';
  return `Bearer error="insufficient_user_authentication", max_age=${Math.floor(maxAge / 1_000)}`;
}
