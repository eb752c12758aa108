import type { StoreConfig } from '../../races/types.js';

/** The data of the sessions whose subscriptions are held open. */
export interface Data {
  owner: string;
}

export type Transport = 'iterable' | 'SSE' | 'WebSocket';

/** The address of the store for a process, and how it receives notifications. */
export type LiveStore =
  | { readonly kind: 'memory' }
  /**
   * `mutable`: notifications come through a proxy that drops them after the order `mute`, while
   * the connection stays open.
   */
  | (Extract<StoreConfig, { kind: 'redis' | 'postgres' }> & { readonly mutable?: boolean });

/** The behaviour of a procedure after its first value. */
export type Body = 'waits for ever' | 'waits for its client to go' | 'yields all the time' | 'without a session';

/**
 * A clock of the library: its time, and the moment on {@link monotonic} from which it runs.
 * Without that moment it stands still.
 */
export interface ClockSetting {
  readonly shows: number;
  readonly since?: number | undefined;
}

export interface OpenOptions {
  readonly countTimers?: boolean | undefined;
  /** How long a session lives, in ms. */
  readonly lifetime?: number | undefined;
}

export type Order =
  | {
      readonly do: 'open';
      readonly config: LiveStore;
      readonly recheckInterval: number;
      readonly options: OpenOptions;
    }
  | { readonly do: 'create'; readonly count: number; readonly owner: string }
  | { readonly do: 'serve' }
  | {
      readonly do: 'hold';
      readonly tokens: readonly string[];
      readonly transport: Transport;
      readonly body: Body;
      readonly read: boolean;
      /** Where another process serves WebSockets; its own by default. */
      readonly url: string | undefined;
    }
  /** Ends all bodies without a session explicitly, as the library ends the others. */
  | { readonly do: 'release' }
  | { readonly do: 'clock'; readonly clock: ClockSetting }
  | { readonly do: 'sweep at'; readonly moment: number }
  | { readonly do: 'end each'; readonly ids: readonly string[]; readonly pause: number }
  | { readonly do: 'end all'; readonly owner: string }
  /** Opens, or ends, each at its moment on {@link monotonic}. */
  | { readonly do: 'hold at'; readonly tokens: readonly string[]; readonly moments: readonly number[] }
  | { readonly do: 'end at'; readonly ids: readonly string[]; readonly moments: readonly number[] }
  | { readonly do: 'turns'; readonly rounds: number; readonly mostTurns: number }
  | { readonly do: 'endings'; readonly patience: number }
  | { readonly do: 'leave' }
  | { readonly do: 'cycles'; readonly token: string; readonly count: number; readonly transport: Transport }
  | { readonly do: 'mute'; readonly muted: boolean }
  | { readonly do: 'inspect' }
  | { readonly do: 'close' };

/** Pairs of an id and a moment on {@link monotonic}. */
export type Moments = [id: string, at: number][];

export interface Endings {
  /** The time at which each waiting body was aborted. */
  readonly stopped: Moments;
  /** The time at which each end reached its consumer, with its code: `UNAUTHORIZED` is right. */
  readonly closed: [id: string, at: number, how: string][];
  /** Subscriptions that were still open when patience ran out. */
  readonly open: string[];
}

/**
 * The objects that a process holds, after a garbage collection if it can force one. Sizes are in
 * bytes.
 */
export interface Inspection {
  readonly heap: number;
  readonly rss: number;
  /** Timers that were made and not cleared, if they are counted. */
  readonly timers: number;
  /** Sockets and the like. */
  readonly handles: number;
  /** Subscriptions to the store's notifications. */
  readonly subscribed: number;
  /** Calls of the store's verbs so far. */
  readonly calls: Readonly<Record<string, number>>;
  /** Bodies that have begun, and that have cleaned up. */
  readonly bodies: { readonly begun: number; readonly done: number };
}

/** Milliseconds on a clock that all processes of the machine share. */
export const monotonic = (): number => Number(process.hrtime.bigint() / 1_000n) / 1_000;

/** The id within a token with the default prefix. */
export const idOf = (token: string): string => token.slice(3, 39);
