import { isJsonObject, type JsonValue } from '../data/json.js';
import { SessionError } from '../error.js';

/*
 * Checks what the function of `update(change)` returns. The library ignores it, so these mistakes
 * would lose the change in silence.
 */

/** @throws `NOT_SUPPORTED` for a promise */
export function assertSynchronous(returned: unknown): void {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return;
  // The rejection is the caller's mistake too, and must not end the process.
  Promise.resolve(returned).catch(() => undefined);
  throw new SessionError('NOT_SUPPORTED', 'update(change) takes a synchronous function: fetch what it needs before');
}

/**
 * For a function that has changed nothing. It may return a part of the data, as assignments do.
 *
 * @throws `NOT_SUPPORTED` for new data, as a reducer returns it
 */
export function assertInPlace(returned: unknown, data: JsonValue): void {
  if (!isJsonObject(returned) || Object.getPrototypeOf(returned) !== Object.prototype) return;
  if (contains(data, returned)) return;
  throw new SessionError(
    'NOT_SUPPORTED',
    'update(change) ignores what the function returns: change the data in place',
  );
}

function contains(data: unknown, part: object): boolean {
  if (data === part) return true;
  return typeof data === 'object' && data !== null && Object.values(data).some((each) => contains(each, part));
}
