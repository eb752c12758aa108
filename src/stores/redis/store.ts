import { SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import { wrongKind } from '../shared/kinds.js';
import { Notifications } from '../shared/notifications.js';
import type { Listen, RedisDriver } from './clients/driver.js';
import { ioredis } from './clients/ioredis.js';
import { listenOnIoredis } from './clients/ioredis-listen.js';
import type { IoredisClient } from './clients/ioredis-shapes.js';
import { nodeRedis } from './clients/node-redis.js';
import { listenOnNodeRedis } from './clients/node-redis-listen.js';
import type { NodeRedisClient } from './clients/node-redis-shapes.js';
import { type UpstashClient, upstash } from './clients/upstash.js';
import { checkPrefix, Keys } from './keys.js';
import { Server } from './server.js';
import { type RedisStore, SessionsInRedis } from './verbs.js';

/**
 * The clients that {@link redisStore} accepts: of node-redis 5 or later, of ioredis 5, of iovalkey
 * and of `@upstash/redis`.
 */
export type RedisClient = NodeRedisClient | IoredisClient | UpstashClient;

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * The names of all keys begin with this: 1 to 128 visible characters without spaces and braces.
   *
   * @default 'ts:'
   */
  readonly prefix?: string | undefined;
  /**
   * Where notifications of ended sessions come from. A client: one that is connected already and
   * used for nothing else. `false`: no notifications.
   *
   * @default a connection of its own, made from `client` while anything listens
   */
  readonly subscriber?: RedisClient | false | undefined;
}

/**
 * Keeps sessions in Redis or Valkey, 6.2 or newer: a single server, with Sentinels, as a Cluster,
 * or over HTTP. The caller must connect the client, and close it. See docs/stores/redis.md.
 *
 * @example
 * const client = createClient({ url, disableOfflineQueue: true });
 * await client.connect();
 * const store = redisStore(client);
 *
 * @throws `INVALID_OPTION` for a client of another kind or a bad option. The first use throws
 *   `NOT_SUPPORTED` if the server is too old, and `STORE_UNAVAILABLE` if the client is closed.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  checkOptions(options, 'redisStore(client, options)');
  const { prefix = 'ts:', subscriber } = options;
  const { driver, listen } = recognise(client);
  const keys = new Keys(checkPrefix(prefix), driver.keyPrefix);
  const listenTo =
    subscriber === undefined ? listen : subscriber === false ? undefined : recogniseSubscriber(subscriber);
  const notifications =
    listenTo && new Notifications({ reopens: true, open: (events) => listenTo(keys.channel, events) });
  return new SessionsInRedis(new Server(driver, keys.probe), keys, notifications);
}

const KINDS =
  'a client of node-redis 5 or later (createClient, createClientPool, createCluster, createSentinel), ioredis 5, iovalkey or @upstash/redis';

function recognise(client: unknown): { readonly driver: RedisDriver; readonly listen: Listen | undefined } {
  const known = isObject(client) ? (nodeRedis(client) ?? ioredis(client) ?? upstash(client)) : undefined;
  if (known) return known;
  const kind = wrongKind(client, 'Redis');
  if (kind !== undefined) throw new SessionError('INVALID_OPTION', `client is ${kind}`);
  throw new SessionError('INVALID_OPTION', `client must be ${KINDS}`);
}

function recogniseSubscriber(client: unknown): Listen {
  const known = isObject(client) ? (listenOnNodeRedis(client) ?? listenOnIoredis(client)) : undefined;
  if (known) return known;
  throw new SessionError(
    'INVALID_OPTION',
    'subscriber must be false or a client of node-redis 5 or later (but not a pool), ioredis 5 or iovalkey',
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
