import { parseSetCookie } from 'cookie';
import { cookies, headers } from 'next/headers.js';
import type { HeadersLike } from '../../http/header-reader.js';
import type { Host } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import type { IncomingRequest, OpenedRequest } from '../../http/request.js';
import type { ResponseTarget } from '../../http/response-head.js';

type NextHeaders = Awaited<ReturnType<typeof headers>>;
type Jar = Awaited<ReturnType<typeof cookies>>;

/** A request as Next.js shows it to server components and actions. */
export interface NextRequest {
  /** One object for the whole request. */
  readonly key: NextHeaders;
  readonly headers: HeadersLike;
  readonly jar: Jar;
}

/** Requests in which an action has written cookies. The render after it must see them. */
const written = new WeakSet<NextHeaders>();

/** The request that Next.js serves. Next.js stops a prerender with errors, which must reach it. */
export async function currentRequest(): Promise<NextRequest> {
  const [key, jar] = [await headers(), await cookies()];
  return { key, jar, headers: written.has(key) ? withCookies(key, jar) : key };
}

/**
 * The headers of the request that Next.js serves. `undefined` outside a request, as in the test of
 * a route.
 */
export async function currentHeaders(): Promise<NextHeaders | undefined> {
  try {
    return await headers();
  } catch (error) {
    // Next.js stops a prerender with errors that have a digest.
    if (field(error, 'digest') !== undefined) throw error;
    return undefined;
  }
}

/** Requests that were opened for a render. */
const rendered = new WeakSet<OpenedRequest>();

/** Opens the request of a render. Inside a route or an action, it is the request of that. */
export function openRender(host: Host, { key, headers: list }: NextRequest): OpenedRequest {
  // The method is not known here. The headers show whether another site's link led here.
  const opened = host.open({ key, headers: list, target: RENDER });
  if (opened.enclosing) return opened;
  opened.enclosing = opened.open({ hasOutcome: false });
  rendered.add(opened);
  return opened;
}

export function openAction(host: Host, { key, headers: list, jar }: NextRequest): OpenedRequest {
  // During a render, all methods of the cookies are one function, which throws. A component called
  // the action.
  const isRender: boolean = Object.is(jar.set, jar.delete);
  const incoming: IncomingRequest = {
    key,
    headers: list,
    details: { method: 'POST' },
    target: isRender ? RENDER : { kind: 'collect' },
  };
  const opened = host.open(incoming);
  if (isRender || !rendered.has(opened)) return opened;
  // A component has read the session before the action began. The action needs a new request.
  opened.isOver = true;
  return host.open(incoming);
}

/**
 * Writes the library's cookies to the response of an action or route. Only cookies are possible.
 */
export function writeCookies({ key, jar }: Pick<NextRequest, 'key' | 'jar'>, ours: Headers): void {
  for (const line of ours.getSetCookie()) {
    const { name, value, ...attributes } = parseSetCookie(line) ?? {};
    if (name === undefined) continue;
    jar.set(name, value ?? '', attributes);
    written.add(key);
  }
}

export async function writeRouteCookies(ours: Headers): Promise<void> {
  writeCookies(await currentRequest(), ours);
}

const ADVICE =
  'While a page is rendered, Next.js cannot set headers: log in, log out and rotate in a route or an action, with route() or action() of nextSessions';

/** There is no response to write to while a page is rendered. */
const RENDER: ResponseTarget = { kind: 'none', advice: ADVICE };

function withCookies(key: NextHeaders, jar: Jar): HeadersLike {
  const cookie = jar.getAll().map(({ name, value }) => `${name}=${encodeURIComponent(value)}`);
  return { ...Object.fromEntries(key), cookie: cookie.join('; ') };
}
