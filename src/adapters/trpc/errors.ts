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

/** The code and message of an error of the library for clients. */
export function answerTo(error: unknown): { readonly code: Code; readonly status: number; readonly message: string } {
  const { status, message } = publicError(error);
  return { code: CODES[status] ?? 'INTERNAL_SERVER_ERROR', status, message };
}

/**
 * An error of the library in its form for clients. The error itself is the cause, for the server.
 */
export function sessionFailure(cause: unknown): TRPCError {
  const { code, message } = answerTo(cause);
  return new TRPCError({ code, message, cause });
}

/**
 * An error of the application in its form for clients. Only a bare {@link SessionError} is
 * translated.
 */
export function translated(error: unknown): TRPCError {
  const wrapped = getTRPCErrorFromUnknown(error);
  return isBareSessionError(wrapped) ? sessionFailure(wrapped.cause) : wrapped;
}

/**
 * Whether tRPC made the error from a thrown `SessionError`. An error that the application wrapped
 * stays as it is.
 */
export function isBareSessionError({ code, message, cause }: TRPCError): boolean {
  return code === 'INTERNAL_SERVER_ERROR' && isSessionError(cause) && cause.message === message;
}

/** The error of a call without the session that it requires. */
export function unauthorized(): TRPCError {
  return sessionFailure(
    new SessionError('UNAUTHENTICATED', 'the procedure requires a session, and the request has none'),
  );
}
