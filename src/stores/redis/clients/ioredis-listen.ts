import { SessionError } from '../../../core/error.js';
import { type ChannelEvents, ignore, type Listen, withinReason } from './connection.js';
import { type Client, type Cluster, isClient, keyPrefixOf, type Redis } from './ioredis-shapes.js';

/** A subscription on a client that the caller set aside for it, and closes. */
export function listenOnIoredis(client: object): Listen | undefined {
  return isClient(client) ? (channel, events) => listenOn(client, channel, events) : undefined;
}

export async function randomNode(cluster: Cluster): Promise<Redis> {
  const nodes = cluster.nodes('master');
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node) return node;
  throw new Error('the Cluster client knows of no server');
}

export function listenBeside(original: () => Promise<Redis>): Listen {
  return async (channel, events) => {
    const client = await original();
    const own = client.duplicate({ keyPrefix: '', lazyConnect: true, enableOfflineQueue: true, autoResubscribe: false, readOnly: false });
    // Without a listener errors are printed.
    own.on('error', ignore);
    const stop = await withinReason(connectAndListen(own, channel, events), () => own.disconnect()).catch((error: unknown) => {
      own.disconnect();
      throw error;
    });
    const onEnd = () => events.lost();
    own.on('end', onEnd);
    return async () => {
      own.off('end', onEnd);
      await stop().catch(ignore);
      own.disconnect();
    };
  };
}

async function connectAndListen(own: Redis, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  await own.connect();
  return listenOn(own, channel, events);
}

async function listenOn(client: Client, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  const name = withoutPrefix(channel, keyPrefixOf(client));
  const onMessage = (from = '', text = '') => {
    if (from === channel) events.message(text);
  };
  // Subscribed again explicitly, as the client does so only after it has said that it is ready.
  const onReady = () => void client.subscribe(name).then(() => events.resumed(), ignore);
  client.on('message', onMessage);
  try {
    await client.subscribe(name);
  } catch (error) {
    client.off('message', onMessage);
    throw error;
  }
  client.on('ready', onReady);
  return async () => {
    client.off('ready', onReady);
    client.off('message', onMessage);
    if (client.status === 'ready') await client.unsubscribe(name);
  };
}

/** The client puts its prefix before channels as well. */
function withoutPrefix(channel: string, prefix: string): string {
  if (channel.startsWith(prefix)) return channel.slice(prefix.length);
  throw new SessionError('INVALID_OPTION', "the subscriber has to have no keyPrefix, or the same as the store's client");
}
