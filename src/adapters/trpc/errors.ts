import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server';
import { isSessionError, SessionError } from '../../core/error.js';
import { publicError } from '../../http/errors.js';

type Code = TRPCError['code'];

const CODES: Readonly<Record<number, Code>> = {
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
};

/** The code and message that a client gets for an error inside the library. */
export function answerTo(error: unknown): { readonly code: Code; readonly status: number; readonly message: string } {
  const { status, message } = publicError(error);
  return { code: CODES[status] ?? 'INTERNAL_SERVER_ERROR', status, message };
}

/**
 * A failure inside the library, as a client gets it. The error itself is the cause, for the
 * server.
 */
export function sessionFailure(cause: unknown): TRPCError {
  const { code, message } = answerTo(cause);
  return new TRPCError({ code, message, cause });
}

/**
 * An error of the application's code, as a client gets it. Only a bare {@link SessionError} is
 * translated.
 */
export function translated(error: unknown): TRPCError {
  const wrapped = getTRPCErrorFromUnknown(error);
  return isBareSessionError(wrapped) ? sessionFailure(wrapped.cause) : wrapped;
}

/**
 * Whether tRPC made it from a thrown `SessionError`. One that the application wrapped stays as it
 * is.
 */
export function isBareSessionError({ code, message, cause }: TRPCError): boolean {
  return code === 'INTERNAL_SERVER_ERROR' && isSessionError(cause) && cause.message === message;
}

/** No session where one is required. */
export function unauthorized(): TRPCError {
  return sessionFailure(new SessionError('UNAUTHENTICATED', 'the procedure requires a session, and the request has none'));
}
