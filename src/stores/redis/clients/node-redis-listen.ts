import { type ChannelEvents, gapsOf, type Unsubscribe } from '../../shared/notifications.js';
import { ignore, type Listen } from './driver.js';
import {
  type Cluster,
  type Duplicable,
  isNodeRedis,
  isSentinel,
  isSubscriber,
  type Sentinel,
  type Subscriber,
} from './node-redis-shapes.js';
import { listenOnOwn, type OwnConnection } from './own-connection.js';

/** The events when a client has lost its connection, and when it has restored it. */
interface ConnectionEvents {
  readonly lost?: string;
  readonly restored: string;
}

const SINGLE: ConnectionEvents = { lost: 'reconnecting', restored: 'ready' };
// The client keeps its own connection for subscriptions. It reports a new primary, but not a
// connection that was lost and restored.
const SENTINEL: ConnectionEvents = { restored: 'topology-change' };

/** Subscribes on a client that the caller has reserved for this, and closes. */
export function listenOnNodeRedis(client: object): Listen | undefined {
  if (isSentinel(client)) return listenOnSentinel(client);
  return isNodeRedis(client) && isSubscriber(client)
    ? (channel, events) => listenOn(client, SINGLE, channel, events)
    : undefined;
}

/**
 * Subscribes on a duplicate of the client. The duplicate comes in an array, because a client that
 * is connecting must not be awaited.
 */
export function listenBeside(duplicate: () => Promise<readonly [Duplicable]>): Listen {
  return listenOnOwn(async () => {
    const [own] = await duplicate();
    return ownConnection(own);
  });
}

export function listenBesideCluster(cluster: Cluster): Listen {
  return listenOnOwn(async () => {
    // Every server passes on messages that were published on any other.
    const node = cluster.masters[Math.floor(Math.random() * cluster.masters.length)];
    if (!node) throw new Error('the Cluster client does not know any server');
    const client = await cluster.nodeClient(node);
    // If this server goes away, another one is used. It makes no sense to wait for it.
    return ownConnection(client.duplicate({ socket: { ...client.options?.socket, reconnectStrategy: false } }));
  });
}

function ownConnection(own: Duplicable): OwnConnection {
  // Without a listener, an 'error' event ends the process.
  own.on('error', ignore);
  return {
    async open() {
      await own.connect();
      // `connect` also resolves, without an error, if the client is closed meanwhile.
      if (!own.isOpen) throw new Error('opening a connection for notifications took too long');
    },
    subscribe: (channel, events) => listenOn(own, SINGLE, channel, events),
    discard() {
      if (own.isOpen) own.destroy();
    },
    onLost(listener) {
      // If the client cannot recover, it is closed after its last 'error' event.
      const onError = () => queueMicrotask(() => own.isOpen || listener());
      own.on('error', onError);
      return () => void own.off('error', onError);
    },
  };
}

export function listenOnSentinel(client: Sentinel): Listen {
  return (channel, events) => listenOn(client, SENTINEL, channel, events);
}

async function listenOn(
  client: Subscriber,
  on: ConnectionEvents,
  channel: string,
  events: ChannelEvents,
): Promise<Unsubscribe> {
  const listener = (message: string) => events.message(message);
  const gaps = gapsOf(events);
  // If the subscription exists, subscribing again sends no command. If it is being made, it waits.
  const onRestored = () => void client.subscribe(channel, listener).then(gaps.restored, ignore);
  await client.subscribe(channel, listener);
  if (on.lost) client.on(on.lost, gaps.interrupted);
  client.on(on.restored, onRestored);
  return async () => {
    if (on.lost) client.off(on.lost, gaps.interrupted);
    client.off(on.restored, onRestored);
    if (client.isOpen) await client.unsubscribe(channel, listener);
  };
}
