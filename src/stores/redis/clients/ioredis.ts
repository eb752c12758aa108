import { SessionError } from '../../../core/error.js';
import type { Command, Listen, RedisDriver, Sender } from './driver.js';
import { listenBeside, randomNode } from './ioredis-listen.js';
import { type Client, type Cluster, isClient, isCluster, isRedis, keyPrefixOf } from './ioredis-shapes.js';

/**
 * The driver for a client of ioredis or iovalkey, and a function that subscribes beside it.
 * `undefined` for any other object.
 */
export function ioredis(client: object): { readonly driver: RedisDriver; readonly listen: Listen } | undefined {
  if (!isClient(client)) return undefined;
  if (isCluster(client)) return { driver: clusterDriver(client), listen: listenBeside(() => randomNode(client)) };
  if (!isRedis(client)) return undefined;
  if (client.options.role === 'slave') {
    throw new SessionError(
      'INVALID_OPTION',
      "the Redis client must be connected to the primary: create it without role: 'slave'",
    );
  }
  const driver: RedisDriver = {
    ...common(client),
    clustered: false,
    readCommand: 'get',
    send: (_key, command) => call(client, command),
    primaries: async () => [senderOf(client)],
    lookForPrimary: () => client.disconnect(true),
  };
  return { driver, listen: listenBeside(async () => client) };
}

function clusterDriver(client: Cluster): RedisDriver {
  const { scaleReads } = client.options;
  return {
    ...common(client),
    clustered: true,
    readCommand: scaleReads === undefined || scaleReads === 'master' ? 'get' : 'getex',
    send: client.options.enableAutoPipelining ? unpipelined(client) : (_key, command) => call(client, command),
    primaries: async () => client.nodes('master').map(senderOf),
  };
}

function common(client: Client): Pick<RedisDriver, 'isClosed' | 'isInStep' | 'keyPrefix' | 'resends'> {
  const losses = lossesOf(client);
  return {
    isClosed: () => client.status === 'end',
    isInStep: () => true,
    keyPrefix: keyPrefixOf(client),
    // When the connection is back, the client sends unanswered commands again. In a Cluster it may
    // use another connection.
    resends: () => losses.count,
  };
}

function call(client: Client, command: Command): Promise<unknown> {
  return client.call(...command);
}

function senderOf(client: Client): Sender {
  return (command) => call(client, command);
}

/**
 * Works around older versions. When a Cluster client groups commands on its own, they use the
 * first argument as the key. For a script, that is not the key.
 */
function unpipelined(client: Cluster): RedisDriver['send'] {
  const commands = new Map<string, (...args: string[]) => Promise<unknown>>();
  return (_key, [name, ...args]) => {
    const command = commands.get(name) ?? client.createBuiltinCommand(name).string;
    commands.set(name, command);
    return command.apply(client, args);
  };
}

/**
 * How often each client has lost a connection. Each client gets one listener, however many stores
 * use it.
 */
const losses = new WeakMap<Client, { count: number }>();

function lossesOf(client: Client): { readonly count: number } {
  const known = losses.get(client);
  if (known) return known;
  const counter = { count: 0 };
  losses.set(client, counter);
  const count = () => {
    counter.count += 1;
  };
  for (const event of ['close', '-node']) client.on(event, count);
  return counter;
}
