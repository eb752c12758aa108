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
      /** The file in which the process notes what each request came to, so that it is known also of a process that is killed. */
      readonly journal: string;
    }
  /** From here on the store is well again. Answered with the ms until a request was served, or `null` when none was for long. */
  | { readonly do: 'mark' }
  /** SQL on the connection of the process itself. */
  | { readonly do: 'execute'; readonly sql: string }
  | { readonly do: 'stop' };

/** What a process knows at its end, besides its journal. Times are in ms. */
export interface Report {
  slowestFailure: number;
  unhandled: string[];
  /** How often it was told that a record could not be read. */
  invalidDataEvents: number;
}

/*
 * A line of a journal has a word, and the number of the session:
 * `begun`: a count is asked for; `counted`: it was acknowledged; `anonymous`: served without a session; and, as the word, the code of an error.
 */
export const BEGUN = 'begun';
export const COUNTED = 'counted';
export const ANONYMOUS = 'anonymous';
