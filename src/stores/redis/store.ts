import { SessionError } from '../../core/error.js';
import { Notifications } from '../shared/notifications.js';
import type { Listen } from './clients/driver.js';
import { ioredis } from './clients/ioredis.js';
import { listenOnIoredis } from './clients/ioredis-listen.js';
import type { IoredisClient } from './clients/ioredis-shapes.js';
import { nodeRedis } from './clients/node-redis.js';
import { listenOnNodeRedis } from './clients/node-redis-listen.js';
import type { NodeRedisClient } from './clients/node-redis-shapes.js';
import { checkPrefix, Keys } from './keys.js';
import { Server } from './server.js';
import { type RedisStore, SessionsInRedis } from './verbs.js';

/** The clients that {@link redisStore} takes: of node-redis 5 or later, of ioredis 5 and of iovalkey. */
export type RedisClient = NodeRedisClient | IoredisClient;

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /** What the names of all keys begin with: 1 to 128 visible characters without spaces and braces. Default `'ts:'`. */
  readonly prefix?: string | undefined;
  /**
   * Where notifications of ended sessions come from. Default: a connection of their own, made from `client` while there is somebody to be told. A client:
   * one that is connected already and used for nothing else. `false`: no notifications.
   */
  readonly subscriber?: RedisClient | false | undefined;
}

/**
 * Keeps sessions in Redis or Valkey, 6.2 or newer, alone, with Sentinels or as a Cluster. The client is connected, and closed, by the caller.
 *
 * | verb | commands (of a session without an owner → with one) |
 * | --- | --- |
 * | `find` | `GET` |
 * | `insert` | `SET NX PX` → and a script on the owner's index |
 * | `insertWithin` | `SET NX PX`, a script on the index, a script for each session that is evicted; members of the index whose deadline has passed, and all for `'deny'`, are looked up first |
 * | `replace` | a script; about once in each idle timeout of a session with an owner, two more |
 * | `delete` | a script, which publishes the id → and one on the index |
 * | `listByOwner` | a script on the index, `MGET` |
 * | `deleteByOwner` | two scripts on the index, one for each session |
 * | `findMany` | `MGET`; on a Cluster a `GET` each, at once |
 * | `count`, `clear` | `SCAN` of the whole database, so not for each request |
 *
 * Scripts are sent by their hash, and whole when the server does not know them. Before the first command, `INFO` tells the server's version.
 * Everything goes to the primary.
 *
 * **Atomic** is each command and script. A session and the index of its owner are different keys, on a Cluster in different slots, and are written
 * one after the other: the session, then the index, then what has to make room is ended; only then is the session handed out. So whatever was
 * handed out is in the index, and a login that races `deleteByOwner` is ended by it, or handed out after it. A process that dies in between
 * leaves a session that nobody holds the token of, or an index entry without a session; the next who meets it takes it out. It also may leave a session that
 * is to be evicted: it is ended before anybody else is let in. (If it dies just after it has ended a session and before it has told the index,
 * and a session is evicted before that entry's deadline, one more may be evicted than had to be.)
 *
 * **A fail-over** loses what the old primary had not yet replicated: the last writes before it, though they were answered. A session may be
 * lost (the user logs in again), a change to it undone, a session that had just ended may be back, an index may lack a session until
 * that is used beyond the index's time. The same goes for a server that is killed: `appendfsync always` loses nothing, `everysec` up to a second. A disk that is full
 * loses nothing: writes are refused until there is room. `min-replicas-to-write` narrows it; no store on Redis can promise more. The server should not evict keys (`maxmemory-policy noeviction`): every
 * key has a TTL, so that `volatile-*` policies would end sessions.
 *
 * Some clients send a command again when its answer was lost: ioredis, iovalkey and the Sentinel client of node-redis. An answer of 'no' may
 * then be due to the first time; the store sees the repetition, and says that the outcome is not known, so that no write is done twice. A
 * Sentinel client of node-redis does not tell when its connection for notifications was broken and mended: what was missed is
 * found by the library's rechecks.
 *
 * **Clients of node-redis** should be made with `disableOfflineQueue: true`. Without it, one whose connection is reset while it is about to write may connect again
 * and never get ready: every call is `STORE_UNAVAILABLE` until the process is started anew (seen with 5.12, once in some hundred resets under load; with the option
 * never in 4,600). With it calls also fail at once while the server is away, and not after `storeTimeout`.
 *
 * @throws `INVALID_OPTION` for a client of another kind or a bad option. The first use of a server that is too old is `NOT_SUPPORTED`, of a
 * client that is closed `STORE_UNAVAILABLE`.
 */
export function redisStore(client: RedisClient, options: RedisStoreOptions = {}): RedisStore {
  const { prefix = 'ts:', subscriber } = options;
  const { driver, listen } = recognise(client);
  const keys = new Keys(checkPrefix(prefix), driver.keyPrefix);
  const listenTo = subscriber === undefined ? listen : subscriber === false ? undefined : recogniseSubscriber(subscriber);
  const notifications = listenTo && new Notifications({ reopens: true, open: (events) => listenTo(keys.channel, events) });
  return new SessionsInRedis(new Server(driver, keys.probe), keys, notifications);
}

const KINDS = 'a client of node-redis 5 or later (createClient, createClientPool, createCluster, createSentinel), ioredis 5 or iovalkey';

function recognise(client: unknown): NonNullable<ReturnType<typeof nodeRedis>> {
  const known = isObject(client) ? (nodeRedis(client) ?? ioredis(client)) : undefined;
  if (known) return known;
  throw new SessionError('INVALID_OPTION', `client has to be ${KINDS}`);
}

function recogniseSubscriber(client: unknown): Listen {
  const known = isObject(client) ? (listenOnNodeRedis(client) ?? listenOnIoredis(client)) : undefined;
  if (known) return known;
  throw new SessionError('INVALID_OPTION', `subscriber has to be false or ${KINDS}, other than a pool`);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
