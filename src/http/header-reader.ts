import { SessionError } from '../core/error.js';
import { text } from './hosts.js';

/** A request's headers: a Fetch `Headers`, or a record as in Node and on serverless platforms. */
export type HeadersLike = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The value of a header by its lower-case name; repeated ones joined as Fetch does: cookies by
 * semicolons, others by commas.
 */
export type HeaderReader = (name: string) => string | undefined;

/** @throws `NOT_SUPPORTED` when `headers` is no object, or a list */
export function headerReader(headers: HeadersLike): HeaderReader {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) {
    throw new SessionError(
      'NOT_SUPPORTED',
      'the headers must be those of a request: a Headers object, or a record of names and values',
    );
  }
  if (isFetchHeaders(headers))
    return (name) => (name.startsWith(':') ? pseudoHeader(headers, name) : (headers.get(name) ?? undefined));
  return (name) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : findAnyCase(headers, name);
    return Array.isArray(value) ? value.join(name === 'cookie' ? '; ' : ', ') : text(value);
  };
}

/** Fetch refuses the names of HTTP/2 pseudo-headers. Ponyfills for Node requests allow them. */
function pseudoHeader(headers: Headers, name: string): string | undefined {
  try {
    return headers.get(name) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Includes headers of another realm or implementation, such as the Fetch ponyfill of Yoga. */
function isFetchHeaders(headers: HeadersLike): headers is Headers {
  return typeof headers['get'] === 'function' && typeof headers['has'] === 'function';
}

/** The first version of Lambda events keeps the client's spelling of header names. */
function findAnyCase(headers: Exclude<HeadersLike, Headers>, name: string): string[] | undefined {
  const values: string[] = [];
  for (const key of Object.keys(headers)) {
    const value = key.toLowerCase() === name ? headers[key] : undefined;
    if (value) values.push(...[value].flat());
  }
  return values.length === 0 ? undefined : values;
}
