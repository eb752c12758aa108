import { SessionError } from '../core/error.js';
import { checkOptions, checkSwitch } from '../core/options.js';
import type { LegacySessions } from '../legacy/legacy-sessions.js';
import type { HeaderReader } from './header-reader.js';
import { EXPOSED } from './put-headers.js';

/** The facts about a request besides its headers. */
export interface RequestDetails {
  /** Cookies need it to know which requests are safe. */
  readonly method?: string | undefined;
  /** The path, or the whole URL. Cookies need it to recognise your own origin. */
  readonly url?: string | undefined;
}

/** Why a token is written: the application asked for it, or the old token is too old. */
export type WritePurpose = 'login' | 'rotation';

/**
 * A place in the request's headers from which the token is read, and perhaps one in the response's
 * to which it is written.
 */
export interface TokenSource {
  /** For messages, such as `'header x-auth-token'`. */
  readonly name: string;
  /**
   * Returns what may be the token, unchecked. `undefined` if the request has nothing in this
   * place, or if it must not count; `warn` then says why.
   */
  read(header: HeaderReader, request: RequestDetails, warn?: (message: string) => void): string | undefined;
  /** Whether {@link write} may be called for this request. Absent: it may. */
  mayWrite?(header: HeaderReader, request: RequestDetails, purpose: WritePurpose): boolean;
  /**
   * Writes a new token to the response; `null`: the session has ended. `lifetime` is the longest
   * that the session can last, in ms. Absent: the application hands the token out itself.
   */
  write?(response: Headers, token: string | null, lifetime: number): void;
  /** Sessions of another library, whose tokens are accepted here until each has been replaced. */
  readonly legacy?: LegacySessions | undefined;
}

/** The options of {@link header}. */
export interface HeaderOptions {
  /**
   * Whether a new token is also written to this header of the response, and an empty value when
   * the session has ended.
   *
   * @default false
   */
  readonly respond?: boolean | undefined;
  /**
   * Sessions of another library whose tokens are accepted as well, such as `expressLegacy(store)`.
   *
   * @default none
   */
  readonly legacy?: LegacySessions | undefined;
}

/** The options of {@link bearer}. */
export interface BearerOptions {
  /**
   * Whether a new token is also written to the response header `Session-Token`, or to the one that
   * is named here, and an empty value when the session has ended. Pages of other origins may read
   * it.
   *
   * @default false: the application hands the token out, in a response's body
   */
  readonly respond?: boolean | string | undefined;
}

/**
 * `Authorization: Bearer <token>` (RFC 6750); the scheme in any case.
 *
 * @example
 * createSessions({ sources: [bearer({ respond: true }), cookie()] });
 *
 * @throws `INVALID_OPTION` when `respond` is no header name
 */
export function bearer(options: BearerOptions = {}): TokenSource {
  checkOptions(options, 'bearer()');
  const { respond = false } = options;
  const name = respond === true ? 'Session-Token' : respond;
  if (name !== false && !isHeaderName(name)) {
    throw new SessionError(
      'INVALID_OPTION',
      'bearer({ respond }) must be true or the name of an HTTP header, such as Session-Token',
    );
  }
  return {
    name: 'authorization',
    read: (header) => {
      const value = header('authorization');
      // Credentials of another scheme are not ours. They do not count as a token.
      return value !== undefined && /^bearer(?: |$)/i.test(value) ? value.slice('bearer'.length).trim() : undefined;
    },
    ...(name !== false && {
      write: (response: Headers, token: string | null) => {
        response.set(name, token ?? '');
        response.append(EXPOSED, name);
      },
    }),
  };
}

/**
 * A header of your own, such as `X-Auth-Token`, with the bare token.
 *
 * @example
 * createSessions({ sources: [header('X-Auth-Token', { respond: true })] });
 *
 * @throws `INVALID_OPTION` when `name` is no header name
 */
export function header(name: string, options: HeaderOptions = {}): TokenSource {
  if (!isHeaderName(name)) {
    throw new SessionError('INVALID_OPTION', 'header(name) must be the name of an HTTP header, such as X-Auth-Token');
  }
  checkOptions(options, 'header()');
  checkSwitch(options.respond, 'respond');
  const lowerCase = name.toLowerCase();
  return {
    name: `header ${lowerCase}`,
    legacy: options.legacy,
    read: (reader) => reader(lowerCase)?.trim(),
    ...(options.respond && {
      write: (response: Headers, token: string | null) => response.set(lowerCase, token ?? ''),
    }),
  };
}

function isHeaderName(name: unknown): name is string {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name);
}
