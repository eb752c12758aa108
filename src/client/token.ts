import type { Held } from './types.js';

/*
 * A token is `<prefix><id>.<secret>`. The id is public and the same for all tokens of a session.
 */

/**
 * The public id in a token. Tokens of another form count as those of one session, so that nothing
 * secret is shown.
 */
export function publicId(token: Held): Held {
  // It begins after the prefix's last underscore; a UUID, at its length before the point.
  return token && (/[^_.]*(?=\.)/.exec(token)?.[0].slice(-36) || 'session');
}

/** Whether two tokens are of one session. */
export function isSameSession(a: Held, b: Held): boolean {
  return !!a && publicId(a) === publicId(b);
}

/** Whether a header can carry it as it is. Two values of a repeated header are no token. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[!-+\--~]+$/.test(value);
}
