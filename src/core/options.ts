import { SessionError } from './error.js';

/*
 * Checks of what callers in JavaScript may get wrong. They fail at construction, because a value
 * that is ignored there shows only when a user needs it.
 */

/** @throws `INVALID_OPTION` naming `call`, unless `options` is an object */
export function checkOptions(options: unknown, call: string): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return;
  throw new SessionError('INVALID_OPTION', `the options of ${call} must be an object`);
}

/** @throws `INVALID_OPTION` naming `option`, unless it is a boolean or left out */
export function checkSwitch(value: unknown, option: string): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw new SessionError('INVALID_OPTION', `${option} must be true or false`);
}
