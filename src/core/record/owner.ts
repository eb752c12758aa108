import type { JsonValue } from '../data/json.js';
import { failure } from '../data/schema.js';
import { SessionError } from '../error.js';

/**
 * The account that the data belongs to.
 *
 * @throws `INVALID_DATA` when `ownerOf` throws, or returns anything but a non-empty string or
 *   undefined
 */
export function ownerOf(
  settings: { readonly ownerOf: ((data: JsonValue) => unknown) | undefined },
  data: JsonValue,
): string | undefined {
  if (!settings.ownerOf) return undefined;
  let owner: unknown;
  try {
    owner = settings.ownerOf(data);
  } catch (error) {
    throw failure('ownerOf', error, data);
  }
  if (owner === undefined || (typeof owner === 'string' && owner !== '')) return owner;
  throw new SessionError(
    'INVALID_DATA',
    'ownerOf must return a non-empty string, or undefined for a session without an owner',
  );
}

/** {@link ownerOf}, or `null` for data that `ownerOf` does not understand. */
export function knownOwner(...args: Parameters<typeof ownerOf>): string | null | undefined {
  try {
    return ownerOf(...args);
  } catch {
    return null;
  }
}
