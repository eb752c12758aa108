import { has } from './driver.js';

/**
 * The clients of node-redis 5 and later: of `createClient`, `createClientPool`, `createCluster`
 * and `createSentinel`.
 */
export interface NodeRedisClient {
  /** Whether the client is connected, or about to be. */
  readonly isOpen: boolean;
  /** Sends a command. */
  sendCommand(...args: never[]): Promise<unknown>;
}

/** A client for one server, or a pool of them. */
export interface Single extends NodeRedisClient {
  sendCommand(args: readonly string[], options: SendOptions): Promise<unknown>;
}

export interface Duplicable extends Single, Subscriber {
  readonly options?: { readonly socket?: object };
  duplicate(overrides?: object): Duplicable;
  connect(): Promise<unknown>;
  destroy(): void;
}

export interface Pool extends Single {
  execute<Result>(use: (client: Duplicable) => Result): Promise<Result>;
}

export interface Cluster extends Omit<Single, 'sendCommand'> {
  readonly masters: readonly object[];
  nodeClient(node: object): Promise<Duplicable> | Duplicable;
  on(event: string, listener: () => void): unknown;
  sendCommand(
    key: string | undefined,
    isReadonly: boolean,
    args: readonly string[],
    options: SendOptions,
  ): Promise<unknown>;
}

export interface Sentinel extends Omit<Single, 'sendCommand'>, Subscriber {
  sendCommand(isReadonly: boolean, args: readonly string[], options: SendOptions): Promise<unknown>;
}

export interface Subscriber {
  readonly isOpen: boolean;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  unsubscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  on(event: string, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
}

export interface SendOptions {
  readonly typeMapping: undefined;
}

export function isNodeRedis(client: object): client is NodeRedisClient {
  return has(client, 'sendCommand', 'function') && has(client, 'isOpen', 'boolean');
}

export function isSubscriber(client: object): client is Subscriber {
  return ['subscribe', 'unsubscribe', 'on', 'off'].every((name) => has(client, name, 'function'));
}

export function isDuplicable(client: object): client is Duplicable {
  return (
    isNodeRedis(client) &&
    isSubscriber(client) &&
    has(client, 'duplicate', 'function') &&
    has(client, 'isReady', 'boolean')
  );
}

export function isPool(client: object): client is Pool {
  return isNodeRedis(client) && has(client, 'execute', 'function') && has(client, 'totalClients', 'number');
}

export function isCluster(client: object): client is Cluster {
  return isNodeRedis(client) && has(client, 'nodeClient', 'function') && Array.isArray(Reflect.get(client, 'masters'));
}

export function isSentinel(client: object): client is Sentinel {
  return isNodeRedis(client) && isSubscriber(client) && has(client, 'getMasterNode', 'function');
}
