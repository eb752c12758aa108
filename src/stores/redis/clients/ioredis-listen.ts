import { type ChannelEvents, gapsOf, type Unsubscribe } from '../../shared/notifications.js';
import { ignore, type Listen, withinReason } from './driver.js';
import { type Client, type Cluster, isClient, type Redis } from './ioredis-shapes.js';
import { listenOnOwn } from './own-connection.js';

/** Subscribes on a client that the caller has reserved for this, and closes. */
export function listenOnIoredis(client: object): Listen | undefined {
  if (!isClient(client)) return undefined;
  return async (channel, events) => {
    await whenReady(client);
    return listenOn(client, channel, events);
  };
}

/**
 * Waits until the client is ready. A subscription before that would mix with the client's own
 * requests to the server.
 */
async function whenReady(client: Client): Promise<void> {
  if (client.status !== 'connecting' && client.status !== 'connect') return;
  let giveUp = ignore;
  let onReady = ignore;
  const ready = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    giveUp = () => reject(new Error('the subscriber was not ready in time'));
  });
  client.on('ready', onReady);
  await withinReason(ready, giveUp).finally(() => client.off('ready', onReady));
}

export async function randomNode(cluster: Cluster): Promise<Redis> {
  const nodes = cluster.nodes('master');
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (node) return node;
  throw new Error('the Cluster client does not know any server');
}

/** Subscribes on a separate connection, which is made from `original`. */
export function listenBeside(original: () => Promise<Redis>): Listen {
  return listenOnOwn(async () => {
    const client = await original();
    const own = client.duplicate({
      lazyConnect: true,
      enableOfflineQueue: true,
      autoResubscribe: false,
      readOnly: false,
    });
    // Without a listener, the client prints errors.
    own.on('error', ignore);
    return {
      open: () => own.connect(),
      subscribe: (channel, events) => listenOn(own, channel, events),
      discard: () => own.disconnect(),
      onLost(listener) {
        own.on('end', listener);
        return () => void own.off('end', listener);
      },
    };
  });
}

async function listenOn(client: Client, channel: string, events: ChannelEvents): Promise<Unsubscribe> {
  const onMessage = (from = '', text = '') => {
    if (from === channel) events.message(text);
  };
  const gaps = gapsOf(events);
  // Subscribes again explicitly: the client does so only after it has reported that it is ready.
  const onReady = () => void client.subscribe(channel).then(gaps.restored, ignore);
  client.on('message', onMessage);
  try {
    await client.subscribe(channel);
  } catch (error) {
    client.off('message', onMessage);
    throw error;
  }
  client.on('ready', onReady);
  client.on('reconnecting', gaps.interrupted);
  return async () => {
    client.off('reconnecting', gaps.interrupted);
    client.off('ready', onReady);
    client.off('message', onMessage);
    if (client.status === 'ready') await client.unsubscribe(channel);
  };
}
