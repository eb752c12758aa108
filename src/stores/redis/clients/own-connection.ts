import type { ChannelEvents, Unsubscribe } from '../../shared/notifications.js';
import { ignore, type Listen, withinReason } from './driver.js';

/** A connection that the store has made for notifications, from the client that it was given. */
export interface OwnConnection {
  open(): Promise<void>;
  subscribe(channel: string, events: ChannelEvents): Promise<Unsubscribe>;
  /** Calls `listener` when the connection is gone for good. Returns what removes the listener. */
  onLost(listener: () => void): () => void;
  /** Closes the connection at once, whatever it is doing. */
  discard(): void;
}

/** Subscribes over a connection that is opened for it and closed after it. */
export function listenOnOwn(connect: () => Promise<OwnConnection>): Listen {
  return async (channel, events) => {
    const own = await connect();
    const opening = own.open().then(() => own.subscribe(channel, events));
    const unsubscribe = await withinReason(opening, own.discard).catch((error: unknown) => {
      own.discard();
      throw error;
    });
    const ignoreLoss = own.onLost(() => events.lost());
    return async () => {
      ignoreLoss();
      // A connection that died silently never answers.
      await withinReason(unsubscribe(), own.discard).catch(ignore);
      own.discard();
    };
  };
}
