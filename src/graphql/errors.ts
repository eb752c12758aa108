import { type ASTNode, GraphQLError } from 'graphql';
import { isSessionError, type SessionErrorCode } from '../core/error.js';
import { challenge, type Exchange, publicError } from '../http/errors.js';

/** Codes that GraphQL clients know by another name. */
const CODES: Partial<Record<SessionErrorCode | 'INTERNAL', string>> = {
  SESSION_GONE: 'UNAUTHENTICATED',
  STORE_UNAVAILABLE: 'SERVICE_UNAVAILABLE',
  INTERNAL: 'INTERNAL_SERVER_ERROR',
};
const INTERNAL = 500;

/** Where in the operation an error occurred. */
interface Location {
  readonly nodes?: readonly ASTNode[] | undefined;
  readonly path?: readonly (string | number)[] | undefined;
}

/** The causes of the errors that this module made. */
const causes = new WeakMap<object, { readonly cause: unknown }>();

/** The form of `error` for clients. Any error that is not ours becomes INTERNAL_SERVER_ERROR. */
export function toGraphQLError(error: unknown, exchange?: Exchange): GraphQLError {
  return build(causeOf(error)?.cause ?? error, exchange);
}

/** {@link toGraphQLError} for an error in a result. Errors of the application stay as they are. */
export function restate(error: GraphQLError, exchange?: Exchange): GraphQLError {
  const found = causeOf(error);
  return found ? build(found.cause, exchange, error) : error;
}

/** Whether an error is the library's own. Application errors with such a cause do not count. */
export function isOurs(error: unknown): boolean {
  return causeOf(error) !== undefined;
}

function causeOf(error: unknown): { readonly cause: unknown } | undefined {
  // The executor wraps an error of a resolver, to add its place.
  if (error instanceof GraphQLError && error.nodes && error.originalError) return causeOf(error.originalError);
  if (isSessionError(error)) return { cause: error };
  return typeof error === 'object' && error !== null ? causes.get(error) : undefined;
}

function build(cause: unknown, exchange?: Exchange, at?: Location): GraphQLError {
  const { code, status, message } = publicError(cause);
  const http = exchange && {
    http: { status, headers: status === 401 ? { 'WWW-Authenticate': challenge(cause, exchange) } : {} },
  };
  const error = new GraphQLError(message, {
    nodes: at?.nodes ?? null,
    path: at?.path ?? null,
    // Yoga and Envelop mask and log an error that has an original error. That is right for
    // internal errors. For the others it would hide the code.
    originalError: status === INTERNAL && cause instanceof Error ? cause : null,
    extensions: { code: status === INTERNAL ? 'INTERNAL_SERVER_ERROR' : (CODES[code] ?? code), ...http },
  });
  // Since graphql 17, a cause that is passed to the constructor counts as the original error.
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true, enumerable: false });
  causes.set(error, { cause });
  return error;
}
