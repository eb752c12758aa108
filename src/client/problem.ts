/** What the server's answer means for the session; see {@link sessionProblem}. */
export type SessionProblem = 'ended' | 'replaced' | 'step-up' | 'unavailable';

export interface Finding {
  readonly problem?: SessionProblem | undefined;
  /** For `'step-up'`: the longest time since the last login that is accepted, in seconds. */
  readonly maxAge?: string | undefined;
}

/** What the errors of all clients may have. Each part may also be missing, or something else. */
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

/** The code of a socket that the server has closed for the lack of a session (graphql-ws). */
const CLOSED_UNAUTHORIZED = 4401;

/**
 * `error` of the Bearer challenge in a `WWW-Authenticate` header, which may hold challenges of
 * other schemes as well.
 */
const CHALLENGE = /(^|, *)bearer (\w+=("[^"]*"|[^",]*), *)*error="?(\w+)/i;

/**
 * What an error means for the session. Understands a `Response`, the errors of tRPC's client,
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
  return inspect(error).problem;
}

/** {@link sessionProblem} with its details. */
export function inspect(error: unknown): Finding {
  const parts = partsOf(error);
  return { problem: parts.map(problemOf).find(Boolean), maxAge: /max_age="?(\d+)/.exec(parts.map(challengeOf).join())?.[1] };
}

/** An error and all that is inside it, the outermost first. */
export function partsOf(error: unknown, depth = 5): Loose[] {
  if (!isLoose(error) || !depth) return [];
  // Where clients put what the server has said.
  const names = ['graphQLErrors', 'errors', 'networkError', 'meta', 'response', 'cause'];
  const inner = Array.isArray(error) ? error : names.map((name) => error[name]);
  return [error, ...inner.flatMap((each) => partsOf(each, depth - 1))];
}

function isLoose(value: unknown): value is Loose {
  return Object(value) === value;
}

/**
 * What this part says of the session: by one of the library's codes, or in the head of a response
 * (RFC 6750, RFC 9470).
 */
function problemOf(part: Loose): SessionProblem | undefined {
  const { code, status, data, extensions } = part;
  const challenge = challengeOf(part);
  const said = [
    data?.sessionCode,
    extensions?.code,
    // Problem details have a status as well, and closed sockets a number: a word alone may be
    // anybody's.
    (status || code === CLOSED_UNAUTHORIZED) && code,
    status === 401 && CHALLENGE.exec(challenge ?? '')?.at(-1),
    challenge !== undefined && status,
  ];
  return said.map(named).find(Boolean);
}

function named(said: unknown): SessionProblem | undefined {
  if (said === 'UNAUTHENTICATED' || said === 'invalid_token' || said === CLOSED_UNAUTHORIZED) return 'ended';
  if (said === 'STEP_UP_REQUIRED' || said === 'insufficient_user_authentication') return 'step-up';
  if (said === 'SERVICE_UNAVAILABLE' || said === 'STORE_UNAVAILABLE' || said === 503) return 'unavailable';
  return said === 'TOKEN_REPLACED' ? 'replaced' : undefined;
}

/** `undefined` for what is no response. */
function challengeOf({ headers }: Loose): string | null | undefined {
  return headers?.get?.('www-authenticate');
}
