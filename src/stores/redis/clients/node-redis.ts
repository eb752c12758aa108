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

/** Replies come as they are, also from a client that was told to map their types. */
const PLAIN: SendOptions = { typeMapping: undefined };

/**
 * The connection over a client of node-redis, and how to open a subscription beside it;
 * `undefined` for any other object.
 */
export function nodeRedis(client: object): { readonly driver: RedisDriver; readonly listen: Listen } | undefined {
  if (isSentinel(client)) return { driver: sentinelDriver(client), listen: listenOnSentinel(client) };
  if (isCluster(client)) return { driver: clusterDriver(client), listen: listenBesideCluster(client) };
  if (isPool(client)) return { driver: singleDriver(client), listen: listenBeside(() => client.execute((each) => [each.duplicate()])) };
  if (isDuplicable(client)) return { driver: singleDriver(client), listen: listenBeside(async () => [client.duplicate()]) };
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
      // The server closes the connection, and the client opens another one. Without this option
      // some never get ready after that.
      if (optionOf(client, 'disableOfflineQueue') === true) send(['quit']).catch(ignore);
    },
  };
}

function optionOf(client: object, name: string): unknown {
  const options: unknown = Reflect.get(client, 'options');
  return typeof options === 'object' && options !== null ? Reflect.get(options, name) : undefined;
}

/**
 * A command may be written to a connection that was just lost; the first answers on the next one,
 * which are those to its greeting, are then taken for its own. That connection never gets ready
 * (seen in 5.12 and 6.3: what is to be written in the next turn is written without a look at the
 * connection), so that this tells; commands that waited for a connection may also be answered
 * before it says that it is ready. Pools do not say.
 */
function isReady(client: Single): boolean {
  return Reflect.get(client, 'isReady') !== false;
}

function clusterDriver(client: Cluster): RedisDriver {
  askAnewAfterLosses(client);
  return {
    ...common(client),
    clustered: true,
    // Not as a read-only command, even when it is one: with `useReplicas` it would go to a replica.
    send: (key, command) => client.sendCommand(key, false, command, PLAIN),
    isInStep: () => true,
    async primaries() {
      const nodes = await Promise.all(client.masters.map((node) => client.nodeClient(node)));
      return nodes.map((node) => (command) => node.sendCommand(command, PLAIN));
    },
    resends: () => 0,
  };
}

const askingAnew = new WeakSet<Cluster>();

/**
 * This client asks who holds which keys only when a server says `MOVED`, which one that died does
 * not: its keys would stay out of reach, though a replica has taken over (redis/node-redis#2806).
 * So when a server is lost, another is asked for some key: unless it happens to be its own, it
 * says `MOVED`.
 */
function askAnewAfterLosses(client: Cluster): void {
  if (askingAnew.has(client)) return;
  askingAnew.add(client);
  client.on('node-error', () => {
    for (const _ of client.masters) client.sendCommand(undefined, false, ['exists', String(Math.random())], PLAIN).catch(ignore);
  });
}

/**
 * A command whose connection breaks is sent again by the sentinel client, to the primary of then.
 */
function sentinelDriver(client: Sentinel): RedisDriver {
  let resends = 0;
  const send: Sender = (command) => {
    let sent = 0;
    const options = {
      // Looked at each time that the command is handed to a connection: this is how the repetition
      // is seen.
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
