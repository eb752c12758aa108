import { type ASTNode, GraphQLError, type Source } from 'graphql';
import { isSessionError, type SessionErrorCode } from '../../core/error.js';

/** What a client is told of an error. The messages are generic: what happened is for the server's own eyes. */
interface Refusal {
  readonly code: string;
  readonly message: string;
  /** The HTTP status, where there is one for the response as a whole. */
  readonly status?: 401 | 500 | 503;
}

const UNAUTHENTICATED: Refusal = { code: 'UNAUTHENTICATED', message: 'Authentication is required.', status: 401 };
const INTERNAL: Refusal = { code: 'INTERNAL_SERVER_ERROR', message: 'Internal server error.', status: 500 };

const REFUSALS: Readonly<Record<SessionErrorCode, Refusal>> = {
  SESSION_GONE: UNAUTHENTICATED,
  STEP_UP_REQUIRED: { code: 'STEP_UP_REQUIRED', message: 'Recent authentication is required.', status: 401 },
  STORE_UNAVAILABLE: { code: 'SERVICE_UNAVAILABLE', message: 'The service is temporarily unavailable.', status: 503 },
  CONFLICT: { code: 'CONFLICT', message: 'The session was changed by others at the same time: try again.' },
  LIMIT_REACHED: { code: 'LIMIT_REACHED', message: 'The account has as many sessions as it may have.' },
  INVALID_DATA: INTERNAL,
  INVALID_OPTION: INTERNAL,
  NOT_SUPPORTED: INTERNAL,
  HEADERS_SENT: INTERNAL,
};

/** What an HTTP response can say of the request that it answers. */
export interface Exchange {
  /** Whether anything was sent where a token is expected. */
  readonly tokenSent: boolean;
}

/** Where in the operation an error arose. */
interface Location {
  readonly nodes?: readonly ASTNode[] | undefined;
  readonly source?: Source | undefined;
  readonly positions?: readonly number[] | undefined;
  readonly path?: readonly (string | number)[] | undefined;
}

interface Finding {
  readonly refusal: Refusal;
  readonly cause: unknown;
  readonly maxAge?: number | undefined;
}

/** What the errors that were made here stand for. */
const findings = new WeakMap<object, Finding>();

/** The error of a request without a session where one is required. */
export function unauthenticated(): GraphQLError {
  return build({ refusal: UNAUTHENTICATED, cause: undefined });
}

/** What a client is told of `error`: of what is none of ours, that it is one inside the server. */
export function toGraphQLError(error: unknown, exchange?: Exchange): GraphQLError {
  return build(findingOf(error) ?? { refusal: INTERNAL, cause: error }, exchange);
}

/** The same for an error in a result, which stays as it is where the application made it. */
export function restate(error: GraphQLError, exchange?: Exchange): GraphQLError {
  const finding = findingOf(error);
  return finding ? build(finding, exchange, error) : error;
}

/** Whether an error is ours: not one of the application's own that it caused. */
export function isOurs(error: unknown): boolean {
  return findingOf(error) !== undefined;
}

function findingOf(error: unknown): Finding | undefined {
  // What a resolver throws is wrapped, to say where.
  if (error instanceof GraphQLError && error.nodes && error.originalError) return findingOf(error.originalError);
  if (isSessionError(error)) return { refusal: REFUSALS[error.code] ?? INTERNAL, cause: error, maxAge: error.maxAge };
  return typeof error === 'object' && error !== null ? findings.get(error) : undefined;
}

function build(finding: Finding, exchange?: Exchange, at?: Location): GraphQLError {
  const { refusal, cause } = finding;
  const http = exchange && refusal.status && { http: { status: refusal.status, headers: challenge(finding, exchange) } };
  const error = new GraphQLError(refusal.message, {
    nodes: at?.nodes ?? null,
    source: at?.source ?? null,
    positions: at?.positions ?? null,
    path: at?.path ?? null,
    // Yoga and Envelop mask what stems from another error, and log it: right here, where for others it would hide the code.
    originalError: refusal === INTERNAL && cause instanceof Error ? cause : null,
    extensions: { code: refusal.code, ...http },
  });
  // Given to the constructor, it would count as the original error from graphql 17 on.
  Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true, enumerable: false });
  findings.set(error, finding);
  return error;
}

/** RFC 6750, section 3, and RFC 9470, section 3. */
function challenge({ refusal, maxAge }: Finding, { tokenSent }: Exchange): Record<string, string> {
  if (refusal.status !== 401) return {};
  if (maxAge !== undefined) {
    return { 'WWW-Authenticate': `Bearer error="insufficient_user_authentication", max_age=${Math.floor(maxAge / 1_000)}` };
  }
  return { 'WWW-Authenticate': tokenSent ? 'Bearer error="invalid_token"' : 'Bearer' };
}
