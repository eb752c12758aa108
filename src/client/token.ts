import type { Held } from './types.js';

/*
 * A token is `<prefix><id>.<secret>`. The id is public, and the same for all tokens of a session.
 */

/**
 * The public id in a token. All tokens of another form get the same id, so that no secret shows.
 */
export function publicId(token: Held): Held {
  // The id begins after the last underscore of the prefix. A UUID is the last 36 characters.
  return token && (/[^_.]{1,36}(?=\.)/.exec(token)?.[0] ?? 'session');
}

/** Whether two tokens belong to one session. */
export function isSameSession(a: Held, b: Held): boolean {
  return !!a && publicId(a) === publicId(b);
}

/** Whether a header can carry it unchanged. Two values of a repeated header are not a token. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[!-+\--~]+$/.test(value);
}
