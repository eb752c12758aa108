import { SessionError } from '../../core/error.js';

/**
 * Quotes an SQL identifier.
 *
 * @throws `INVALID_OPTION` naming `option`, unless it is text of 1 to 48 bytes without a dot or
 *   U+0000. Derived names must fit as well.
 */
export function quoteName(name: string, option: string): string {
  if (
    typeof name === 'string' &&
    /^[^.\0]+$/.test(name) &&
    !/\p{Surrogate}/u.test(name) &&
    new TextEncoder().encode(name).length <= 48
  ) {
    return `"${name.replaceAll('"', '""')}"`;
  }
  throw new SessionError('INVALID_OPTION', `${option} must be a plain name of 1 to 48 bytes, without a dot`);
}
