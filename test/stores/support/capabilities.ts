import type { StoreCapabilities } from '../../../src/testing/index.js';

/** The capabilities of every native store. Each adds how it expires, and its own. */
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
