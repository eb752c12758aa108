import type { StoreCapabilities } from '../../../src/testing/index.js';

/** What every native store can do. How it forgets, and what else it can, each says itself. */
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
