import { SessionError } from '../core/error.js';
import type { LegacySessions } from '../legacy/legacy-sessions.js';
import type { HeaderReader } from './header-reader.js';
import { EXPOSED } from './put-headers.js';

/** What is known of a request besides its headers. */
export interface RequestDetails {
  /** Cookies need it to know requests without an effect. */
  readonly method?: string | undefined;
  readonly url?: string | undefined;
}

/** Why a token is written: the application asked for it, or it is rotated because of its age. */
export type WritePurpose = 'login' | 'rotation';

/** A place in the request's headers that the token is read from; perhaps also one in the response's that it is written to. */
export interface TokenSource {
  /** For messages, such as `'header x-auth-token'`. */
  readonly name: string;
  /**
   * What may be the token, unchecked. `undefined` where the request has nothing in this place, or
   * where it must not count; `warn` then says why.
   */
  read(header: HeaderReader, request: RequestDetails, warn?: (message: string) => void): string | undefined;
  /** Whether {@link write} may be called for this request. Absent: it may. */
  mayWrite?(header: HeaderReader, request: RequestDetails, purpose: WritePurpose): boolean;
  /**
   * Writes a new token (`null`: the session has ended) to the response. `lifetime` is the longest that the session can have, in ms.
   * Absent: the application hands the token out itself.
   */
  write?(response: Headers, token: string | null, lifetime: number): void;
  /** Sessions of another library whose tokens are accepted in this place as well, until each has been given a new one. */
  readonly legacy?: LegacySessions | undefined;
}

/** The options of {@link header}. */
export interface HeaderOptions {
  /** Whether a new token is also written to this header of the response, and an empty value when the session has ended. Default `false`. */
  readonly respond?: boolean | undefined;
  /** Sessions of another library whose tokens are accepted as well, such as `expressLegacy(store)`. */
  readonly legacy?: LegacySessions | undefined;
}

/** The options of {@link bearer}. */
export interface BearerOptions {
  /**
   * Whether a new token is also written to the response header `Session-Token`, or to the one that is
   * named here, and an empty value when the session has ended. Pages of other origins may read it.
   * Default `false`: the application hands the token out, in a response's body.
   */
  readonly respond?: boolean | string | undefined;
}

/**
 * `Authorization: Bearer <token>` (RFC 6750); the scheme in any case.
 *
 * @throws `INVALID_OPTION` when `respond` is no header name
 */
export function bearer({ respond = false }: BearerOptions = {}): TokenSource {
  const name = respond === true ? 'Session-Token' : respond;
  if (name !== false && !isHeaderName(name)) {
    throw new SessionError('INVALID_OPTION', 'bearer({ respond }) must be true or the name of an HTTP header, such as Session-Token');
  }
  return {
    name: 'authorization',
    read: (header) => {
      const value = header('authorization');
      // Another scheme's credentials are not ours, and are no token that was sent.
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
 * A header of your own, such as `X-Auth-Token`, with the bare token. With `respond` a new token is also written to this
 * header of the response, and an empty value when the session has ended.
 *
 * @throws `INVALID_OPTION` for what is no header name
 */
export function header(name: string, options: HeaderOptions = {}): TokenSource {
  if (!isHeaderName(name)) {
    throw new SessionError('INVALID_OPTION', 'header(name) must be the name of an HTTP header, such as X-Auth-Token');
  }
  const lowerCase = name.toLowerCase();
  return {
    name: `header ${lowerCase}`,
    legacy: options.legacy,
    read: (reader) => reader(lowerCase)?.trim(),
    ...(options.respond && { write: (response: Headers, token: string | null) => response.set(lowerCase, token ?? '') }),
  };
}

function isHeaderName(name: unknown): name is string {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(name);
}
