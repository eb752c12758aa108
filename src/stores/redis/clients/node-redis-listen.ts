import { type ChannelEvents, ignore, type Listen, withinReason } from './connection.js';
import {
  type Cluster,
  type Duplicable,
  isNodeRedis,
  isSentinel,
  isSubscriber,
  type Sentinel,
  type Subscriber,
} from './node-redis-shapes.js';

/** A subscription on a client that the caller set aside for it, and closes. */
export function listenOnNodeRedis(client: object): Listen | undefined {
  if (isSentinel(client)) return listenOnSentinel(client);
  return isNodeRedis(client) && isSubscriber(client) ? (channel, events) => listenOn(client, 'ready', channel, events) : undefined;
}

/** The client comes in an array, as one that is connecting must not be awaited. */
export function listenBeside(duplicate: () => Promise<readonly [Duplicable]>): Listen {
  return async (channel, events) => {
    const [own] = await duplicate();
    return listenOnOwn(own, channel, events);
  };
}

export function listenBesideCluster(cluster: Cluster): Listen {
  return async (channel, events) => {
    // Any server tells of what is published on any other.
    const node = cluster.masters[Math.floor(Math.random() * cluster.masters.length)];
    if (!node) throw new Error('the Cluster client knows of no server');
    const client = await cluster.nodeClient(node);
    // When this server goes, another one is asked: waiting for it to come back would be in vain.
    const own = client.duplicate({ socket: { ...client.options?.socket, reconnectStrategy: false } });
    return listenOnOwn(own, channel, events);
  };
}

async function listenOnOwn(own: Duplicable, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  const discard = () => {
    if (own.isOpen) own.destroy();
  };
  // Without a listener an 'error' ends the process.
  own.on('error', ignore);
  const stop = await withinReason(connectAndListen(own, channel, events), discard).catch((error: unknown) => {
    discard();
    throw error;
  });
  // Where there is no way back, the client is closed when its last 'error' has been told.
  const onError = () => queueMicrotask(() => own.isOpen || events.lost());
  own.on('error', onError);
  return async () => {
    own.off('error', onError);
    // A connection that has died without a word never answers.
    if (own.isOpen) await withinReason(stop(), discard).catch(ignore);
    discard();
  };
}

async function connectAndListen(own: Duplicable, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  await own.connect();
  // Connecting also ends, without an error, when the client is closed meanwhile.
  if (!own.isOpen) throw new Error('no connection for notifications could be opened in time');
  return listenOn(own, 'ready', channel, events);
}

export function listenOnSentinel(client: Sentinel): Listen {
  // The client keeps a connection for subscriptions by itself. It tells of a new primary, but not of a connection that was broken and mended.
  return (channel, events) => listenOn(client, 'topology-change', channel, events);
}

/** `resumption` is the event after which what was told may have been missed. */
async function listenOn(client: Subscriber, resumption: string, channel: string, events: ChannelEvents): Promise<() => Promise<void>> {
  const listener = (message: string) => events.message(message);
  // Subscribing again is no command where the subscription stands, and waits where it is being made.
  const onResumption = () => void client.subscribe(channel, listener).then(() => events.resumed(), ignore);
  await client.subscribe(channel, listener);
  client.on(resumption, onResumption);
  return async () => {
    client.off(resumption, onResumption);
    await client.unsubscribe(channel, listener);
  };
}
