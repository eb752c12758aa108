import { ignore, type Listen, type RedisDriver, type Sender } from './driver.js';
import { listenBeside, listenBesideCluster, listenOnSentinel } from './node-redis-listen.js';
import {
  type Cluster,
  isCluster,
  isDuplicable,
  isPool,
  isSentinel,
  type NodeRedisClient,
  type SendOptions,
  type Sentinel,
  type Single,
} from './node-redis-shapes.js';

/** Returns replies unconverted, even if the client is configured to map their types. */
const PLAIN: SendOptions = { typeMapping: undefined };

/**
 * The driver for a client of node-redis, and a function that subscribes beside it. `undefined` for
 * any other object.
 */
export function nodeRedis(client: object): { readonly driver: RedisDriver; readonly listen: Listen } | undefined {
  if (isSentinel(client)) return { driver: sentinelDriver(client), listen: listenOnSentinel(client) };
  if (isCluster(client)) return { driver: clusterDriver(client), listen: listenBesideCluster(client) };
  if (isPool(client))
    return { driver: singleDriver(client), listen: listenBeside(() => client.execute((each) => [each.duplicate()])) };
  if (isDuplicable(client))
    return { driver: singleDriver(client), listen: listenBeside(async () => [client.duplicate()]) };
  return undefined;
}

function singleDriver(client: Single): RedisDriver {
  const send: Sender = (command) => client.sendCommand(command, PLAIN);
  return {
    ...common(client),
    clustered: false,
    send: (_key, command) => send(command),
    isInStep: () => isReady(client),
    primaries: async () => [send],
    resends: () => 0,
    lookForPrimary() {
      // The server closes the connection, and the client opens another one. Without this option,
      // some clients never become ready after that.
      if (optionOf(client, 'disableOfflineQueue') === true) send(['quit']).catch(ignore);
    },
  };
}

function optionOf(client: object, name: string): unknown {
  const options: unknown = Reflect.get(client, 'options');
  return typeof options === 'object' && options !== null ? Reflect.get(options, name) : undefined;
}

/**
 * Detects lost connections. A command may be written to a connection that was just lost. The
 * client then matches the first answers of the next connection, which belong to its greeting, with
 * that command. Such a connection never becomes ready, so this check finds the case. (Seen in 5.12
 * and 6.3: writes of the next turn are not checked against the connection.) Commands that waited
 * for a connection may also be answered before the client reports that it is ready. Pools do not
 * report readiness.
 */
function isReady(client: Single): boolean {
  return Reflect.get(client, 'isReady') !== false;
}

function clusterDriver(client: Cluster): RedisDriver {
  askAgainAfterLosses(client);
  return {
    ...common(client),
    clustered: true,
    // Never as a read-only command: with `useReplicas` it would go to a replica.
    send: (key, command) => client.sendCommand(key, false, command, PLAIN),
    isInStep: () => true,
    async primaries() {
      const nodes = await Promise.all(client.masters.map((node) => client.nodeClient(node)));
      return nodes.map((node) => (command) => node.sendCommand(command, PLAIN));
    },
    resends: () => 0,
  };
}

const askingAgain = new WeakSet<Cluster>();

/**
 * Works around redis/node-redis#2806. The client asks which server holds which keys only after a
 * `MOVED` reply. A dead server does not send one, so its keys would stay out of reach, even after
 * a replica has taken over. So when a server is lost, another is asked for a random key. Unless it
 * happens to hold that key, it replies `MOVED`.
 */
function askAgainAfterLosses(client: Cluster): void {
  if (askingAgain.has(client)) return;
  askingAgain.add(client);
  client.on('node-error', () => {
    for (const _ of client.masters)
      client.sendCommand(undefined, false, ['exists', String(Math.random())], PLAIN).catch(ignore);
  });
}

/** If a connection breaks, the sentinel client sends its commands again, to the new primary. */
function sentinelDriver(client: Sentinel): RedisDriver {
  let resends = 0;
  const send: Sender = (command) => {
    let sent = 0;
    const options = {
      // The client reads this option each time it gives the command to a connection. That shows
      // when a command is repeated.
      get typeMapping(): undefined {
        sent += 1;
        if (sent > 1) resends += 1;
        return undefined;
      },
    };
    return client.sendCommand(false, command, options);
  };
  return {
    ...common(client),
    clustered: false,
    send: (_key, command) => send(command),
    isInStep: () => true,
    primaries: async () => [send],
    resends: () => resends,
  };
}

function common(client: NodeRedisClient): Pick<RedisDriver, 'isClosed' | 'keyPrefix' | 'readCommand'> {
  return { isClosed: () => !client.isOpen, keyPrefix: '', readCommand: 'get' };
}
