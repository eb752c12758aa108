/** The meaning of a server's answer for the session. See {@link sessionProblem}. */
export type SessionProblem = 'ended' | 'replaced' | 'step-up' | 'unavailable';

export interface Finding {
  /** The code or status that says what the problem is. */
  readonly said: unknown;
  /** For `'step-up'`: the longest time since the last login that is accepted, in seconds. */
  readonly maxAge?: string | undefined;
}

/** The fields that the errors of all clients may have. Each may be missing or of another type. */
interface Loose {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly sessionCode?: unknown;
  readonly httpStatus?: unknown;
  readonly data?: Loose | null;
  readonly extensions?: Loose | null;
  readonly headers?: { readonly get?: (name: string) => string | null } | null;
  readonly [name: string]: unknown;
}

/** The code with which the server closes a socket that lacks a session (graphql-ws). */
const CLOSED_UNAUTHORIZED = 4401;

/**
 * The `error` of the Bearer challenge in a `WWW-Authenticate` header, which may also hold
 * challenges of other schemes.
 */
const CHALLENGE = /(^|, *)bearer (\w+=("[^"]*"|[^",]*), *)*error="?(\w+)/i;

/**
 * The meaning of an error for the session. Understands a `Response`, the errors of tRPC's client,
 * urql, Apollo Client, graphql-ws and graphql-sse, GraphQL errors and results, and
 * `application/problem+json`.
 *
 * - `'ended'`: the server requires a session and does not accept the token, or got none
 * - `'replaced'`: another request has rotated the token; use the newest one
 * - `'step-up'`: the user must log in again first
 * - `'unavailable'`: the server cannot look up sessions at the moment
 * - `undefined`: anything else, such as a failed connection or an application's own 401
 *
 * @example
 * if (sessionProblem(error) === 'ended') showLogin();
 */
export function sessionProblem(error: unknown): SessionProblem | undefined {
  return problemIn(inspect(error).said);
}

/** The details of {@link sessionProblem}. */
export function inspect(error: unknown): Finding {
  const parts = partsOf(error);
  return {
    said: parts.map(saidBy).find(Boolean),
    maxAge: /max_age="?(\d+)/.exec(parts.map(challengeOf).join())?.[1],
  };
}

/** An error and everything inside it, outermost first. */
export function partsOf(error: unknown, depth = 5): Loose[] {
  const loose: Loose = Object(error);
  if (loose !== error || !depth) return [];
  // The fields in which clients keep the server's answer.
  const names = ['errors', 'graphQLErrors', 'networkError', 'response', 'cause', 'meta'];
  const inner = Array.isArray(error) ? error : names.map((name) => loose[name]);
  return [loose, ...inner.flatMap((each) => partsOf(each, depth - 1))];
}

/**
 * The sign of a problem in this part: one of the library's codes, or the head of a response (RFC
 * 6750, RFC 9470).
 */
function saidBy(part: Loose): unknown {
  const { code, status, data, extensions } = part;
  const challenge = challengeOf(part);
  const said = [
    data?.sessionCode,
    extensions?.code,
    // Problem details also have a status, and closed sockets a numeric code. A plain `code`
    // without these may come from any library.
    (status || code === CLOSED_UNAUTHORIZED) && code,
    status === 401 && CHALLENGE.exec(challenge ?? '')?.at(-1),
    challenge !== undefined && status,
  ];
  return said.find(problemIn);
}

/** The meaning of a code or status. */
export function problemIn(said: unknown): SessionProblem | undefined {
  if (
    said === CLOSED_UNAUTHORIZED ||
    said === 'SESSION_GONE' ||
    said === 'UNAUTHENTICATED' ||
    said === 'invalid_token'
  )
    return 'ended';
  if (said === 'SERVICE_UNAVAILABLE' || said === 'STORE_UNAVAILABLE' || said === 503) return 'unavailable';
  if (said === 'STEP_UP_REQUIRED' || said === 'insufficient_user_authentication') return 'step-up';
  if (said === 'TOKEN_REPLACED') return 'replaced';
  return undefined;
}

/** `undefined` if the part is not a response. */
function challengeOf({ headers }: Loose): string | null | undefined {
  return headers?.get?.('www-authenticate');
}
