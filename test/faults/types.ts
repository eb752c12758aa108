import type { StoreConfig } from '../races/types.js';

/** Where a process finds the store. */
export type OwnStore =
  | Exclude<StoreConfig, { kind: 'express-session' }>
  | {
      readonly kind: 'redis sentinel';
      readonly name: string;
      readonly rootNodes: readonly { readonly host: string; readonly port: number }[];
    };

export type Order =
  | {
      readonly do: 'start';
      readonly config: OwnStore;
      readonly tokens: readonly string[];
      readonly storeTimeout: number;
      readonly onInvalidData: 'reject' | 'anonymous';
      /** The journal of the process: the outcome of each request, which survives a kill. */
      readonly journal: string;
    }
  /**
   * The fault is over. Answered with the ms until a request was served, or `null` if none was for
   * long.
   */
  | { readonly do: 'mark' }
  /** Runs SQL on the connection of the process itself. */
  | { readonly do: 'execute'; readonly sql: string }
  | { readonly do: 'stop' };

/** The results of a process at its end, besides its journal. Times are in ms. */
export interface Report {
  slowestFailure: number;
  unhandled: string[];
  /** The number of reports that a record could not be read. */
  invalidDataEvents: number;
}

/*
 * A line of a journal has a word, and the number of the session. `begun`: a count is asked for;
 * `counted`: it was acknowledged; `anonymous`: served without a session. Otherwise the word is the
 * code of an error.
 */
export const BEGUN = 'begun';
export const COUNTED = 'counted';
export const ANONYMOUS = 'anonymous';
