import type { RotateOptions, SessionEventName } from '../../../src/index.js';
import type { OwnStore } from '../types.js';

export interface Data {
  owner: string;
  count: number;
}

/** How the sessions are made that an order is about: see `RULES`. */
export type Rule = 'plain' | 'evict-oldest' | 'deny' | 'destroy on reuse';

/** The most sessions of one owner, where there is a limit. */
export const MOST = 3;

/**
 * The grace of a replaced token: longer than any race, so that it ends when the clocks are moved.
 */
export const GRACE = 3_600_000;

/**
 * The beginning of the name of a call that a process admitted before the race, with the first
 * token.
 */
export const FIRST_CALL = 'first';

/** Times are in ms on a clock that all processes share, and that no process moves. */
interface Timed {
  readonly from: number;
  readonly to: number;
}

/** An attempt to log in: the session that was handed out, or why none was. */
export type Login = Timed & ({ readonly token: string; readonly id: string } | { readonly code: string });

/** A request with a token: whether it was served. `code` for one that failed instead. */
export interface Use extends Timed {
  readonly kind: 'use';
  /** The name of the call that it lets in. */
  readonly call: string;
  /** The process that was asked. */
  readonly process: string;
  readonly token: string;
  readonly ok: boolean;
  readonly code?: string;
}

/** A rotation by a call that was let in before: the new token, or why there is none. */
export interface Rotation extends Timed {
  readonly kind: 'rotate';
  readonly call: string;
  readonly how: RotateOptions;
  readonly made?: string;
  readonly code?: string;
}

/** The acts on one session. */
export type Act = Use | Rotation;

/** An event that a process received. */
export interface Told {
  readonly name: SessionEventName;
  readonly id: string;
  readonly reason?: string | undefined;
}

/** The number of tries of one update, and the error if it failed. */
export interface Update {
  readonly tries: number;
  readonly code?: string;
}

/** The parts in a race of rotations: see `players.ts`. */
export type Part = 'rotator' | 'hasty rotator' | 'prover' | 'holder of the old' | 'newcomer';

export type Order =
  /** Opens a store; everything after it is about that one. */
  | { readonly do: 'open'; readonly config: OwnStore }
  /** The lead of the library's clock over the system's, in ms. */
  | { readonly do: 'set clock'; readonly ahead: number }
  | { readonly do: 'log in'; readonly rule: Rule; readonly owner: string; readonly times: number }
  | { readonly do: 'use'; readonly rule: Rule; readonly tokens: readonly string[] }
  | { readonly do: 'list'; readonly owner: string }
  | { readonly do: 'look up'; readonly ids: readonly string[] }
  | { readonly do: 'destroy'; readonly ids: readonly string[] }
  /** The events since the last question. */
  | { readonly do: 'tell' }
  | { readonly do: 'load'; readonly rule: Rule; readonly tokens: readonly string[] }
  /** Plays a part with all loaded sessions. A newcomer continues until the order to finish. */
  | { readonly do: 'play'; readonly part: Part; readonly seed: number }
  /** Gives a token of the session with this number to a newcomer. Answered when that has begun. */
  | { readonly do: 'pass on'; readonly session: number; readonly token: string }
  | { readonly do: 'finish' }
  /** Updates one session so many times: all at once, or one after the other. */
  | { readonly do: 'update'; readonly token: string; readonly times: number; readonly together: boolean }
  | { readonly do: 'count'; readonly token: string }
  /** Closes the connection to the store. */
  | { readonly do: 'close' };

/** The answer to each order. */
export interface Answers {
  readonly open: null;
  readonly 'set clock': null;
  readonly 'log in': Login[];
  readonly use: Use[];
  /** The ids. */
  readonly list: string[];
  /** Whether each is there. */
  readonly 'look up': boolean[];
  /** Whether each was there. */
  readonly destroy: boolean[];
  readonly tell: Told[];
  readonly load: null;
  /** For each session; of a newcomer, nothing yet. */
  readonly play: Act[][];
  readonly 'pass on': null;
  readonly finish: Act[][];
  readonly update: Update[];
  /** The number of updates that the session has counted. */
  readonly count: number;
  readonly close: null;
}

/**
 * A message of a process: an answer to the order with this number, or a token that it just got.
 */
export type Message =
  | { readonly number: number; readonly result: unknown }
  | { readonly number: number; readonly error: string }
  | { readonly session: number; readonly token: string };
