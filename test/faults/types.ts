import type { StoreConfig } from '../races/types.js';

export type OwnStore = Exclude<StoreConfig, { kind: 'express-session' }>;

export type Order =
  | { readonly do: 'start'; readonly config: OwnStore; readonly tokens: readonly string[]; readonly storeTimeout: number }
  /** From here on the store is well again. */
  | { readonly do: 'mark' }
  | { readonly do: 'stop' };

/** What the requests of a process came to. Times are in ms. */
export interface Report {
  served: number;
  /** Requests with a good token that were served without a session: an outage taken for a logout. */
  anonymous: number;
  /** The codes of the errors that requests ended in. */
  codes: Record<string, number>;
  slowestFailure: number;
  unhandled: string[];
  /** For each session: counts that were answered, and those whose answer did not come. */
  acknowledged: Record<string, number>;
  unknown: Record<string, number>;
  /** From the mark to the first request that was served again. */
  recovered: number | undefined;
}
