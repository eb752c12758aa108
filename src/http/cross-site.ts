import type { HeaderReader } from './header-reader.js';
import { isUpgrade } from './hosts.js';
import type { RequestDetails, WritePurpose } from './token-source.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** A navigation has none of these headers. A posted form has some. */
const BODY_HEADERS = ['origin', 'content-type', 'content-length', 'transfer-encoding'];

/**
 * Whether a page of another site made this request, and the request can have an effect. The cookie
 * of such a request must not be trusted (OWASP, Cross-Site Request Forgery Prevention). The
 * upgrade to a WebSocket counts as a request with an effect, because CORS does not protect it.
 */
export function isForged(header: HeaderReader, request: RequestDetails, trustedOrigins: readonly string[]): boolean {
  if (isSafe(header, request) && !isUpgrade(header)) return false;
  return isFromElsewhere(header, request, trustedOrigins);
}

interface CookieWrite {
  readonly trustedOrigins: readonly string[];
  readonly sameSite: 'strict' | 'lax' | 'none';
  readonly purpose: WritePurpose;
}

/**
 * Whether the answer to this request may write a cookie. If a page of another site sends a login,
 * the cookie would log the browser into that page's account (login CSRF, CWE-352).
 */
export function mayWriteCookie(
  header: HeaderReader,
  request: RequestDetails,
  { trustedOrigins, sameSite, purpose }: CookieWrite,
): boolean {
  if (!isFromElsewhere(header, request, trustedOrigins)) return true;
  // A page of another site must not cause a rotation here.
  if (purpose === 'rotation' || !isSafe(header, request)) return false;
  // Links and redirects are navigations. With `sameSite: 'none'`, a fetch or a frame of another
  // site carries the cookie too, so only a top-level navigation may write it.
  return sameSite !== 'none' || isTopLevelNavigation(header);
}

/** Without a known method, a request is safe if it is a navigation that no form has posted. */
function isSafe(header: HeaderReader, { method }: RequestDetails): boolean {
  if (method !== undefined) return SAFE_METHODS.has(method.toUpperCase());
  return header('sec-fetch-mode') === 'navigate' && BODY_HEADERS.every((name) => header(name) === undefined);
}

function isTopLevelNavigation(header: HeaderReader): boolean {
  return header('sec-fetch-mode') === 'navigate' && header('sec-fetch-dest') === 'document';
}

/**
 * Browsers send `Sec-Fetch-Site`, older ones `Origin`. Other clients send neither. They hold no
 * cookies that a page of another site could use.
 */
function isFromElsewhere(header: HeaderReader, request: RequestDetails, trustedOrigins: readonly string[]): boolean {
  const origin = header('origin');
  if (origin !== undefined && trustedOrigins.includes(origin)) return false;
  const site = header('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && !isOwnOrigin(origin, header, request.url);
}

/**
 * The server's own authority is in `Host`, in `:authority` over HTTP/2, and in the URL of a Fetch
 * request.
 */
function isOwnOrigin(origin: string, header: HeaderReader, url: string | undefined): boolean {
  if (!URL.canParse(origin)) return false;
  const { host, protocol } = new URL(origin);
  const own = [
    header('host'),
    header(':authority'),
    url !== undefined && URL.canParse(url) ? new URL(url).host : undefined,
  ];
  return own.some((each) => each !== undefined && asBrowsersWrite(each, protocol) === host);
}

/** A host as browsers write it in `Origin`. Other clients and proxies also send a default port. */
function asBrowsersWrite(host: string, protocol: string): string | undefined {
  const url = `${protocol}//${host}`;
  return /[/\\?#@]/.test(host) || !URL.canParse(url) ? undefined : new URL(url).host;
}
