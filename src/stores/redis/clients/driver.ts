import type { ChannelEvents, Unsubscribe } from '../../shared/notifications.js';

/** The name of a command, in lower case as some clients know it, and its arguments. */
export type Command = readonly [name: string, ...args: string[]];

/**
 * What a store needs of a client, whichever it is. Commands go to the primary that holds their
 * key, never to a replica.
 */
export interface RedisDriver {
  /**
   * `key` is the first key of the command; absent for a command without one, which any server may
   * answer.
   */
  send(key: string | undefined, command: Command): Promise<unknown>;
  /**
   * The command that reads a string. `GETEX` without options does the same, and no client sends it
   * to a replica.
   */
  readonly readCommand: 'get' | 'getex';
  /** Whether keys are spread over several servers. */
  readonly clustered: boolean;
  /** What the client puts before each key on its own. */
  readonly keyPrefix: string;
  /** Whether it was closed, or never opened, by its owner. */
  isClosed(): boolean;
  /** Grows when a command may have been sent twice, because its answer was lost. */
  resends(): number;
  /**
   * Whether an `OK` that has just come must be the answer to its command, and not to the greeting
   * of a new connection.
   */
  isInStep(): boolean;
  /**
   * Has the client connect again, where it can: behind the same address there may be another server
   * by now.
   */
  lookForPrimary?(): void;
  /** One sender for each server that holds keys, for scans. */
  primaries(): Promise<readonly Sender[]>;
}

export type Sender = (command: Command) => Promise<unknown>;

/** Subscribes to a channel, and resolves to a function that ends the subscription. */
export type Listen = (channel: string, events: ChannelEvents) => Promise<Unsubscribe>;

/** Whether `value` has a member of this name and type. */
export function has(value: object, name: string, type: 'function' | 'string' | 'number' | 'boolean'): boolean {
  return typeof Reflect.get(value, name) === type;
}

export function ignore(): void {}

/** The longest that opening or leaving a connection for notifications may take, in ms. */
const WITHIN = 5_000;

/**
 * Gives up on `work` after a while: clients would try for as long as the server is away. `abort`
 * has to make it reject.
 */
export async function withinReason<Result>(work: Promise<Result>, abort: () => void): Promise<Result> {
  const timer = setTimeout(abort, WITHIN);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
