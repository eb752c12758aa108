import { isSessionError, type SessionError } from '../core/error.js';
import { describeError } from '../core/logger.js';
import type { Call } from '../core/session/call.js';
import type { Session, SessionContext } from '../core/types.js';
import { sessionsOf, typed } from './context.js';
import { challenge, type Exchange, problemBody, publicError } from './errors.js';
import type { Host } from './host.js';
import { field } from './hosts.js';
import { copyOf, putHeaders } from './put-headers.js';
import type { OpenedRequest } from './request.js';
import type { ResponseHead } from './response-head.js';
import { privateSlot } from './slot.js';

/** Delivers the library's headers when the handler throws an error that its host answers. */
type Deliver = (headers: Headers) => void | Promise<void>;

/** A handler of Fetch requests. */
type Handler<Data, Input> = (context: SessionContext<Data, Input>) => Response | Promise<Response>;

/** The differences between hosts. */
interface HandleOptions {
  readonly deliver?: Deliver;
  /** Another object that stands for the same request. */
  readonly alias?: object | undefined;
  /** The status with which the host answers an error that the handler throws. */
  readonly statusOfThrown?: (thrown: unknown) => number;
}

/** Serves a Fetch request in a call of its own. See `Sessions.handle`. */
export async function handleFetch<Data, Input>(
  host: Host,
  request: Request,
  handler: Handler<Data, Input>,
  { alias, deliver = () => host.warnOnce(UNDELIVERED), statusOfThrown = statusOf }: HandleOptions = {},
): Promise<Response> {
  const opened = openFetch(host, request, alias);
  const entered = enter(opened);
  const { call } = entered;
  try {
    const session = await call.admit();
    return await answer(opened, call, () => handler(contextOf(call, session)), deliver, statusOfThrown);
  } catch (error) {
    if (!isSessionError(error)) throw error;
    await call.rollback();
    reportInternal(error, call);
    return withHeaders(problem(error, opened), opened.head, call);
  } finally {
    entered.leave();
  }
}

const UNDELIVERED =
  'a handler threw something that its host answers, and that answer lacks the token or cookie of this request: return a Response instead';

export function openFetch(host: Host, request: Request, alias?: object): OpenedRequest {
  return host.open({
    key: request.headers,
    alias,
    headers: request.headers,
    details: request,
    target: { kind: 'collect' },
  });
}

/** Calls whose handlers have answered. */
const left = privateSlot<true>();

/** Opens a call. Calls that other adapters open for the same request run inside it. */
export function enter(opened: OpenedRequest): { readonly call: Call; leave(): void } {
  const around = opened.enclosing;
  const call = opened.open({ hasOutcome: true });
  opened.enclosing = call;
  const leave = () => {
    left.set(call, true);
    // Handlers that run side by side may leave in any order.
    while (opened.enclosing && left.get(opened.enclosing)) opened.enclosing = opened.enclosing.parent;
    if (around) return;
    // The head leaves. If the application uses the same object again, that is another request.
    opened.head.seal();
    opened.isOver = true;
  };
  return { call, leave };
}

export function contextOf<Data, Input>(call: Call, session: Session<unknown> | null): SessionContext<Data, Input> {
  return { session: typed<Data>(session), sessions: sessionsOf<Data, Input>(call) };
}

async function answer(
  opened: OpenedRequest,
  call: Call,
  run: () => Response | Promise<Response>,
  deliver: Deliver,
  statusOfThrown: (thrown: unknown) => number,
): Promise<Response> {
  let thrown: unknown;
  const response = await start(call, run).catch((error: unknown) => {
    thrown = error;
    return isSessionError(error) ? undefined : thrownResponse(error);
  });
  if (response) {
    await conclude(call, response.status, response);
    return withHeaders(response, opened.head, call);
  }
  if (isSessionError(thrown)) throw thrown;
  await conclude(call, statusOfThrown(thrown));
  opened.head.settle();
  if (opened.head.isWritten && !call.parent) await deliver(opened.head.headers);
  throw thrown;
}

async function start(call: Call, run: () => Response | Promise<Response>): Promise<Response> {
  const response = await call.start(run);
  if (isResponse(response)) return response;
  throw new TypeError('the handler of sessions.handle() must return a Response');
}

/**
 * Calls whose answers are being sent, by the body. The body may use a signal that combines one of
 * the call's. On Node, a combined signal does not keep its sources alive.
 */
const sending = privateSlot<Call>();

/**
 * Saves a call whose answer has a status below 500, but not 0, which a network error has
 * (`Response.error()`). The rest of the body runs as a stream.
 */
export async function conclude(call: Call, status: number, answer?: Response): Promise<void> {
  if (status >= 500 || status === 0) return call.rollback();
  await call.commit();
  call.stream();
  // Only if needed: Hono on Node makes the body of most answers when it is read.
  if (call.hasSignal && answer?.body) sending.set(answer.body, call);
}

/**
 * The response with the library's headers. If another handler runs this one, that handler sends
 * them: what is written now may not be what is written last.
 */
export function withHeaders(response: Response, head: ResponseHead, { parent }: Call): Response {
  if (parent) return response;
  head.settle();
  // A network error or an upgrade cannot be copied into a new response.
  if (head.isEmpty || response.status < 200) return response;
  const headers = new Headers(response.headers);
  putHeaders(headers, head.headers);
  const { status, statusText } = response;
  // The original headers stay, because the application may answer with the same object again.
  return copyOf(response, { status, statusText, headers });
}

/** The answer to an error of the library. */
export function problem(error: SessionError, exchange: Exchange): Response {
  const { status } = publicError(error);
  const headers = new Headers({ 'content-type': 'application/problem+json' });
  if (status === 401) headers.set('www-authenticate', challenge(error, exchange));
  return new Response(problemBody(error), { status, headers });
}

/**
 * Logs an internal error, because its client learns nothing about it. Without a logger, it goes to
 * the console: most of these errors are mistakes in an application's set-up.
 */
export function reportInternal(error: SessionError, { request }: Call): void {
  const { logger = console } = request.services.settings;
  if (publicError(error).status === 500) logger.error(`token-sessions: a request failed: ${describeError(error)}`);
}

/** Whether a value is a Fetch response, of any implementation. */
export function isResponse(value: unknown): value is Response {
  return (
    typeof field(value, 'status') === 'number' && typeof field(field(value, 'headers'), 'getSetCookie') === 'function'
  );
}

/**
 * The thrown response, or the redirect that a host such as SvelteKit makes from a thrown error.
 */
function thrownResponse(thrown: unknown): Response | undefined {
  if (isResponse(thrown)) return thrown;
  const [status, location] = [statusOf(thrown), field(thrown, 'location')];
  const isRedirect = status > 300 && status < 400 && typeof location === 'string';
  return isRedirect ? new Response(null, { status, headers: { location } }) : undefined;
}

/**
 * The status with which the host answers this error, if that is known. Otherwise 500. A status
 * below 300 on an error describes something else.
 */
function statusOf(thrown: unknown): number {
  const known = [field(thrown, 'status'), field(thrown, 'statusCode'), field(field(thrown, 'init'), 'status')];
  return known.filter((each) => typeof each === 'number').find((each) => each >= 300) ?? statusInNext(thrown);
}

/**
 * {@link statusOf} in Next.js. It redirects, and answers `notFound()` and similar calls, with
 * errors that have a digest. All others are failures there, whatever their status.
 */
export function statusInNext(thrown: unknown): number {
  return /^NEXT_(?:REDIRECT|HTTP_ERROR|NOT_FOUND)/.test(String(field(thrown, 'digest'))) ? 303 : 500;
}
