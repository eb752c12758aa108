import type { ChannelEvents, Unsubscribe } from '../../shared/notifications.js';
import { ignore, type Listen, withinReason } from './driver.js';

/** A connection for notifications that the store has made from the caller's client. */
export interface OwnConnection {
  open(): Promise<void>;
  subscribe(channel: string, events: ChannelEvents): Promise<Unsubscribe>;
  /** Calls `listener` when the connection is gone for good. Returns a function that removes it. */
  onLost(listener: () => void): () => void;
  /** Closes the connection immediately, whatever it is doing. */
  discard(): void;
}

/** Subscribes over a connection that is opened for the subscription and closed after it. */
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
