import { parseCookie, stringifySetCookie } from 'cookie';
import { SessionError } from '../core/error.js';
import { checkOptions, checkSwitch } from '../core/options.js';
import type { LegacySessions } from '../legacy/legacy-sessions.js';
import { isForged, mayWriteCookie } from './cross-site.js';
import type { TokenSource } from './token-source.js';

interface AnyCookieOptions {
  /**
   * Which requests from other sites carry the cookie. `'lax'`: only navigations to a page.
   *
   * @default 'lax'
   */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined;
  /**
   * Whether the browser keeps the cookie when it is closed, until the session's absolute limit.
   *
   * @default true
   */
  readonly persistent?: boolean | undefined;
  /**
   * The check against cross-site request forgery, by `Sec-Fetch-Site` and `Origin` (OWASP). When
   * another site's page made an unsafe request, or opens a WebSocket, the request is anonymous and
   * no cookie is written (`CROSS_SITE`). `trustedOrigins` are origins that pass, such as
   * `https://app.example.com`, or `capacitor://localhost` for an app. `false` switches the check
   * off, for an application that has one of its own.
   *
   * @default { trustedOrigins: [] }
   */
  readonly csrf?: false | { readonly trustedOrigins: readonly string[] } | undefined;
  /**
   * Sessions of another library whose cookies of this name are accepted as well, such as
   * `expressLegacy(store, { secret })`.
   *
   * @default none
   */
  readonly legacy?: LegacySessions | undefined;
}

interface SecureCookieOptions extends AnyCookieOptions {
  /**
   * The domain whose subdomains get the cookie as well.
   *
   * @default this host alone
   */
  readonly domain?: string | undefined;
  /** @default '/' */
  readonly path?: string | undefined;
}

interface PlainCookieOptions extends SecureCookieOptions {
  /**
   * Whether the cookie is sent over HTTPS only. `false` is for development without it.
   *
   * @default true
   */
  readonly secure?: boolean | undefined;
}

/** The options of {@link cookie}: a name's prefix forbids some, by RFC 6265bis, section 4.1.3. */
export type CookieOptions<Name extends string = string> =
  Lowercase<Name> extends `__host-${string}`
    ? AnyCookieOptions
    : Lowercase<Name> extends `__secure-${string}`
      ? SecureCookieOptions
      : PlainCookieOptions;

/** The longest time that browsers keep a cookie, in seconds. RFC 6265bis, section 5.5. */
const LONGEST_AGE = 400 * 86_400;

/**
 * The token in a cookie that scripts cannot read. It is read from requests, written when a session
 * is created or rotated, and expired when the session is destroyed:
 * `HttpOnly; Secure; SameSite=Lax; Path=/`.
 *
 * @example
 * createSessions({ sources: [bearer(), cookie()] });
 *
 * @param name The default is `'__Host-session'`: browsers refuse a cookie with this prefix that a
 *   subdomain or plain HTTP has set (RFC 6265bis, section 4.1.3).
 * @throws `INVALID_OPTION`
 */
export function cookie<const Name extends string = '__Host-session'>(
  name?: Name,
  options?: CookieOptions<Name>,
): TokenSource;
export function cookie(name = '__Host-session', options: PlainCookieOptions = {}): TokenSource {
  checkOptions(options, 'cookie()');
  checkSwitch(options.secure, 'secure');
  checkSwitch(options.persistent, 'persistent');
  const attributes = checkAttributes(name, options);
  const trustedOrigins = options.csrf === false ? undefined : checkOrigins(options.csrf);
  return {
    name: `cookie ${name}`,
    legacy: options.legacy,
    read: (header, request, warn) => {
      const value = soleValue(header('cookie'), name);
      if (value === undefined || !trustedOrigins || !isForged(header, request, trustedOrigins)) return value;
      warn?.(
        `a request with the cookie ${name} counts as anonymous, because a page of another site made it. ` +
          'If that site is yours, add its origin to csrf.trustedOrigins',
      );
      return undefined;
    },
    mayWrite: (header, request, purpose) =>
      !trustedOrigins || mayWriteCookie(header, request, { trustedOrigins, sameSite: attributes.sameSite, purpose }),
    write: (response, token, lifetime) => {
      const maxAge = token === null ? 0 : Math.min(Math.ceil(lifetime / 1_000), LONGEST_AGE);
      const age = token === null || options.persistent !== false ? { maxAge } : {};
      response.append('set-cookie', stringifySetCookie({ name, value: token ?? '', ...attributes, ...age }));
    },
  };
}

/** The cookie's value. If the cookie comes twice, one is not ours, and nothing shows which. */
function soleValue(header: string | undefined, name: string): string | undefined {
  const values = header?.split(';').flatMap((pair) => valueIn(pair, name)) ?? [];
  return values.length <= 1 ? values[0] : 'ambiguous';
}

/**
 * RFC 6265bis, section 5.6: only SP and HTAB are trimmed. With other white space, the name
 * differs.
 */
function valueIn(pair: string, name: string): string[] {
  const equals = pair.indexOf('=');
  if (equals < 0 || trim(pair.slice(0, equals)) !== name) return [];
  return [parseCookie(`value=${trim(pair.slice(equals + 1))}`)['value'] ?? ''];
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

function checkAttributes(name: string, options: PlainCookieOptions) {
  if (typeof name !== 'string' || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name)) {
    throw invalid('cookie(name) must be the name of a cookie, such as __Host-session');
  }
  const { domain, path = '/', secure = true, sameSite = 'lax' } = options;
  const prefix = /^__(host|secure)-/i.exec(name)?.[1]?.toLowerCase();
  if (prefix && !secure) throw invalid(`a cookie named ${name} must be secure`);
  if (prefix === 'host' && (domain !== undefined || path !== '/')) {
    throw invalid(`a cookie named ${name} must have no domain and the path /`);
  }
  if (!['strict', 'lax', 'none'].includes(sameSite)) throw invalid("sameSite must be 'strict', 'lax' or 'none'");
  if (sameSite === 'none' && !secure)
    throw invalid("a cookie with sameSite 'none' must be secure: browsers refuse it otherwise");
  const attributes = { httpOnly: true, secure, sameSite, path, ...(domain !== undefined && { domain }) };
  checkScope(name, attributes);
  return attributes;
}

/** Refuses attributes that a header cannot hold. Otherwise the first login would fail. */
function checkScope(name: string, attributes: { readonly path: string; readonly domain?: string }): void {
  const { path, domain } = attributes;
  if (typeof path !== 'string' || !/^\/[\x21-\x3a\x3c-\x7e]*$/.test(path))
    throw invalid('path must begin with / and be part of a URL');
  if (domain !== undefined && (typeof domain !== 'string' || !DOMAIN.test(domain))) {
    throw invalid('domain must be a host name such as example.com');
  }
  try {
    stringifySetCookie({ name, value: '', ...attributes });
  } catch {
    throw invalid('a Set-Cookie header cannot hold this path or domain');
  }
}

const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

function checkOrigins(csrf: { readonly trustedOrigins?: readonly string[] } = {}): readonly string[] {
  checkOptions(csrf, 'csrf');
  const { trustedOrigins: origins = [] } = csrf;
  if (Array.isArray(origins) && origins.every(isOrigin)) return [...origins];
  throw invalid('csrf.trustedOrigins must be a list of origins such as https://app.example.com, without wildcards');
}

/**
 * Whether a browser may send this as `Origin`. `URL` knows no origin of apps and extensions, such
 * as `capacitor://localhost`.
 */
function isOrigin(text: unknown): boolean {
  if (typeof text !== 'string' || text.includes('*') || !URL.canParse(text)) return false;
  const { origin, protocol, host } = new URL(text);
  return text === (origin === 'null' && host !== '' ? `${protocol}//${host}` : origin);
}

function invalid(message: string): SessionError {
  return new SessionError('INVALID_OPTION', message);
}
