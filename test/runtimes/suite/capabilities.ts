import type { StoreCapabilities } from 'token-sessions/testing';

/**
 * The capabilities of every native store. Each adds how it expires, and its own. The tests of the
 * stores use this too. It is here because the suite runs without the other tests.
 */
export const NATIVE = {
  atomic: true,
  listByOwner: true,
  deleteByOwner: true,
  insertWithin: true,
  trimOwner: true,
  touch: true,
  findMany: true,
  count: true,
  clear: true,
  inSteps: true,
} as const satisfies Partial<StoreCapabilities>;
