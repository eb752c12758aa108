import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server';
import { isSessionError, type SessionErrorCode } from '../../core/error.js';

type Answer = Pick<TRPCError, 'code' | 'message'>;

/** What a client is told. The error itself, which may name ids or the store, stays on the server as the cause. */
const ANSWERS: Partial<Record<SessionErrorCode, Answer>> = {
  STORE_UNAVAILABLE: { code: 'SERVICE_UNAVAILABLE', message: 'Sessions are not available at the moment' },
  SESSION_GONE: { code: 'UNAUTHORIZED', message: 'The session has ended' },
  STEP_UP_REQUIRED: { code: 'UNAUTHORIZED', message: 'A more recent authentication is required' },
  CONFLICT: { code: 'CONFLICT', message: 'The session was changed by others at the same time' },
  LIMIT_REACHED: { code: 'TOO_MANY_REQUESTS', message: 'The account has too many sessions' },
};
const INTERNAL: Answer = { code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error' };

/** What a failure inside the library is to a client. Nothing of its message gets out. */
export function sessionFailure(cause: unknown): TRPCError {
  const answer = isSessionError(cause) ? ANSWERS[cause.code] : undefined;
  return new TRPCError({ ...(answer ?? INTERNAL), cause });
}

/** What an error of the application's own code is to a client: only a bare {@link SessionError} is the library's to translate. */
export function translated(error: unknown): TRPCError {
  const wrapped = getTRPCErrorFromUnknown(error);
  return isBareSessionError(wrapped) ? sessionFailure(wrapped.cause) : wrapped;
}

/** Whether tRPC made it from a thrown `SessionError`; one that the application wrapped by itself says what it wants to say. */
function isBareSessionError({ code, message, cause }: TRPCError): boolean {
  return code === 'INTERNAL_SERVER_ERROR' && isSessionError(cause) && cause.message === message;
}

/** No session where one is required. */
export function unauthorized(): TRPCError {
  return new TRPCError({ code: 'UNAUTHORIZED', message: 'A session is required' });
}
