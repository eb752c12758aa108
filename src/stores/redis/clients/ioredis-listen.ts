import { type ChannelEvents, ignore, type Listen, withinReason } from './connection.js';
import { type Client, type Cluster, isClient, type Redis } from './ioredis-shapes.js';

/** A subscription on a client that the caller set aside for it, and closes. */
export function listenOnIoredis(client: object): Listen | undefined {
  if (!isClient(client)) return undefined;
  return async (channel, events) => {
    await whenReady(client);
    return listenOn(client, channel, events);
  };
}

/** A subscription while the client still connects would come between its own questions to the server. */
async function whenReady(client: Client): Promise<void> {
  if (client.status !== 'connecting' && client.status !== 'connect') return;
  let giveUp = ignore;
  let onReady = ignore;
  const ready = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    giveUp = () => reject(new Error('the subscriber did not get ready in time'));
  });
  client.on('ready', onReady);
  await withinReason(ready, giveUp).finally(() => client.off('ready', onReady));
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
    const own = client.duplicate({ lazyConnect: true, enableOfflineQueue: true, autoResubscribe: false, readOnly: false });
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
      // A connection that has died without a word never answers.
      await withinReason(stop(), () => own.disconnect()).catch(ignore);
      own.disconnect();
    };
  };
}

async function connectAndListen(own: Redis, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  await own.connect();
  return listenOn(own, channel, events);
}

async function listenOn(client: Client, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  const onMessage = (from = '', text = '') => {
    if (from === channel) events.message(text);
  };
  // Subscribed again explicitly, as the client does so only after it has said that it is ready.
  const onReady = () => void client.subscribe(channel).then(() => events.resumed(), ignore);
  client.on('message', onMessage);
  try {
    await client.subscribe(channel);
  } catch (error) {
    client.off('message', onMessage);
    throw error;
  }
  client.on('ready', onReady);
  return async () => {
    client.off('ready', onReady);
    client.off('message', onMessage);
    if (client.status === 'ready') await client.unsubscribe(channel);
  };
}
