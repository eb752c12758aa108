import type { ChannelEvents, Unsubscribe } from '../../shared/notifications.js';

/** The name of a command, in lower case because some clients require it, and its arguments. */
export type Command = readonly [name: string, ...args: string[]];

/**
 * The part of a client that the store needs, for every kind of client. Commands go to the primary
 * that holds their key, never to a replica.
 */
export interface RedisDriver {
  /**
   * `key` is the first key of the command. It is absent for a command without keys, which any
   * server may answer.
   */
  send(key: string | undefined, command: Command): Promise<unknown>;
  /**
   * The command that reads a string. `GETEX` without options does the same, and no client sends it
   * to a replica.
   */
  readonly readCommand: 'get' | 'getex';
  /** Whether keys are spread over several servers. */
  readonly clustered: boolean;
  /** The prefix that the client itself puts before each key. */
  readonly keyPrefix: string;
  /** Whether the application has closed the client, or never opened it. */
  isClosed(): boolean;
  /** Grows when a command may have been sent twice, because its answer was lost. */
  resends(): number;
  /**
   * Whether an `OK` that has just arrived must be the answer to its command. Otherwise it may
   * belong to the greeting of a new connection.
   */
  isInStep(): boolean;
  /**
   * Makes the client connect again, if it can. The same address may lead to another server by now.
   */
  lookForPrimary?(): void;
  /** One sender for each server that holds keys. For scans. */
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

/** The longest time for opening or leaving a connection for notifications, in ms. */
const WITHIN = 5_000;

/**
 * Gives up on `work` after a while, because clients try for as long as the server is away. `abort`
 * must make it reject.
 */
export async function withinReason<Result>(work: Promise<Result>, abort: () => void): Promise<Result> {
  const timer = setTimeout(abort, WITHIN);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
