import type * as express from '../../../src/adapters/express/index.js';
import type * as trpc from '../../../src/adapters/trpc/index.js';
import type * as yoga from '../../../src/adapters/yoga/index.js';
import type * as core from '../../../src/index.js';

/** The library under test: the sources as they are, or with a bug planted in them. */
export interface Library {
  readonly core: typeof core;
  readonly trpc: typeof trpc;
  readonly yoga: typeof yoga;
  readonly express: typeof express;
}

/** The data of the sessions. Each call has a field of its own, named after it. */
export type Data = { userId: string; n: number; [field: string]: string | number | string[] };

export async function loadSources(): Promise<Library> {
  const [core, trpc, yoga, express] = await Promise.all([
    import('../../../src/index.js'),
    import('../../../src/adapters/trpc/index.js'),
    import('../../../src/adapters/yoga/index.js'),
    import('../../../src/adapters/express/index.js'),
  ]);
  return { core, trpc, yoga, express };
}
