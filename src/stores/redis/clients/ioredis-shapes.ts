import { SessionError } from '../../../core/error.js';
import { has } from './driver.js';

/** The clients of ioredis and iovalkey: `Redis` and `Cluster`. */
export interface IoredisClient {
  /** `'ready'`, `'end'` and so on. */
  readonly status: string;
  /** Sends a command. */
  call(command: string, ...args: string[]): Promise<unknown>;
}

export interface Client extends IoredisClient {
  readonly options: {
    readonly keyPrefix?: unknown;
    readonly role?: unknown;
    readonly scaleReads?: unknown;
    readonly enableAutoPipelining?: unknown;
  };
  on(event: string, listener: (...args: string[]) => void): unknown;
  off(event: string, listener: (...args: string[]) => void): unknown;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
}

export interface Redis extends Client {
  duplicate(overrides: object): Redis;
  connect(): Promise<void>;
  disconnect(reconnect?: boolean): void;
}

export interface Cluster extends Client {
  nodes(role: 'master'): Redis[];
  createBuiltinCommand(name: string): { readonly string: (...args: string[]) => Promise<unknown> };
}

export function keyPrefixOf(client: Client): string {
  const { keyPrefix } = client.options;
  if (keyPrefix === undefined || keyPrefix === null || typeof keyPrefix === 'string') return keyPrefix ?? '';
  throw new SessionError('INVALID_OPTION', 'the keyPrefix of the Redis client must be a string');
}

export function isClient(client: object): client is Client {
  const methods = ['call', 'on', 'off', 'subscribe', 'unsubscribe'].every((name) => has(client, name, 'function'));
  return methods && has(client, 'status', 'string') && typeof Reflect.get(client, 'options') === 'object';
}

export function isRedis(client: Client): client is Redis {
  return ['duplicate', 'connect', 'disconnect'].every((name) => has(client, name, 'function'));
}

export function isCluster(client: Client): client is Cluster {
  return (
    Reflect.get(client, 'isCluster') === true &&
    has(client, 'nodes', 'function') &&
    has(client, 'createBuiltinCommand', 'function')
  );
}
