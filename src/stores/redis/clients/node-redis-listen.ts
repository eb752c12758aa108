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

/** When a client has lost its connection, and when it has it back. */
interface ConnectionEvents {
  readonly lost?: string;
  readonly restored: string;
}

const SINGLE: ConnectionEvents = { lost: 'reconnecting', restored: 'ready' };
// The client keeps a connection for subscriptions itself. It reports a new primary, but not a
// connection that was broken and mended.
const SENTINEL: ConnectionEvents = { restored: 'topology-change' };

/** A subscription on a client that the caller set aside for it, and closes. */
export function listenOnNodeRedis(client: object): Listen | undefined {
  if (isSentinel(client)) return listenOnSentinel(client);
  return isNodeRedis(client) && isSubscriber(client) ? (channel, events) => listenOn(client, SINGLE, channel, events) : undefined;
}

/**
 * A subscription on a duplicate of the client. It comes in an array, as a client that is
 * connecting must not be awaited.
 */
export function listenBeside(duplicate: () => Promise<readonly [Duplicable]>): Listen {
  return listenOnOwn(async () => {
    const [own] = await duplicate();
    return ownConnection(own);
  });
}

export function listenBesideCluster(cluster: Cluster): Listen {
  return listenOnOwn(async () => {
    // Every server passes on what is published on any other.
    const node = cluster.masters[Math.floor(Math.random() * cluster.masters.length)];
    if (!node) throw new Error('the Cluster client knows of no server');
    const client = await cluster.nodeClient(node);
    // When this server goes, another one is asked: waiting for it to come back would be in vain.
    return ownConnection(client.duplicate({ socket: { ...client.options?.socket, reconnectStrategy: false } }));
  });
}

function ownConnection(own: Duplicable): OwnConnection {
  // Without a listener an 'error' ends the process.
  own.on('error', ignore);
  return {
    async open() {
      await own.connect();
      // Connecting also ends, without an error, when the client is closed meanwhile.
      if (!own.isOpen) throw new Error('no connection for notifications could be opened in time');
    },
    subscribe: (channel, events) => listenOn(own, SINGLE, channel, events),
    discard() {
      if (own.isOpen) own.destroy();
    },
    onLost(listener) {
      // Where there is no way back, the client is closed once it has emitted its last 'error'.
      const onError = () => queueMicrotask(() => own.isOpen || listener());
      own.on('error', onError);
      return () => void own.off('error', onError);
    },
  };
}

export function listenOnSentinel(client: Sentinel): Listen {
  return (channel, events) => listenOn(client, SENTINEL, channel, events);
}

async function listenOn(client: Subscriber, on: ConnectionEvents, channel: string, events: ChannelEvents): Promise<Unsubscribe> {
  const listener = (message: string) => events.message(message);
  const gaps = gapsOf(events);
  // Subscribing again is no command where the subscription stands, and waits where it is being
  // made.
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
