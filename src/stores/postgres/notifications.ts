import type { StoreListener } from '../../core/store.js';
import type { Connector, Listening } from './connections.js';

const LONGEST_BACKOFF = 2_000;

/** A connection, from the moment that it is wanted to the one that it is not any more; through any number of losses. */
interface Link {
  readonly opened: Promise<void>;
  listening: Listening | undefined;
  closed: boolean;
  /** Between two tries to connect again. */
  timer?: ReturnType<typeof setTimeout>;
}

/** Tells listeners what is notified on a channel, all of them by one connection, which is open as long as there are any. */
export class Notifications {
  readonly #connector: Connector;
  readonly #channel: string;
  readonly #listeners = new Set<StoreListener>();
  #link: Link | undefined;

  constructor(connector: Connector, channel: string) {
    this.#connector = connector;
    this.#channel = channel;
  }

  /** Resolves once notifications flow, to what stops them. */
  async subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    // An entry of its own for each call, also for a listener that subscribes twice.
    const entry: StoreListener = { ended: (ids) => listener.ended(ids), gap: () => listener.gap() };
    this.#listeners.add(entry);
    this.#link ??= this.#open();
    const link = this.#link;
    try {
      await link.opened;
    } catch (error) {
      this.#listeners.delete(entry);
      if (this.#link === link) this.#link = undefined;
      throw error;
    }
    return () => this.#unsubscribe(entry);
  }

  async #unsubscribe(entry: StoreListener): Promise<void> {
    this.#listeners.delete(entry);
    const link = this.#link;
    if (this.#listeners.size > 0 || !link) return;
    this.#link = undefined;
    link.closed = true;
    clearTimeout(link.timer);
    await link.listening?.close();
  }

  #open(): Link {
    const link: Link = { opened: Promise.resolve().then(() => this.#connect(link)), listening: undefined, closed: false };
    return link;
  }

  async #connect(link: Link): Promise<void> {
    let lost = false;
    const listening = await this.#connector.listen(this.#channel, {
      heard: (payload) => this.#heard(payload),
      lost: () => {
        lost = true;
        if (link.listening) this.#lost(link);
      },
    });
    if (link.closed) return listening.close();
    if (lost) throw new Error('the connection for notifications was lost as soon as it was there');
    link.listening = listening;
  }

  #heard(payload: string): void {
    const ids = payload.split(',');
    for (const listener of this.#listeners) listener.ended(ids);
  }

  /** What was notified just before the loss may not have been heard, and until it is open again nothing will be. */
  #lost(link: Link): void {
    link.listening = undefined;
    if (link.closed) return;
    this.#gap();
    if (this.#connector.reconnects) this.#reconnect(link, 0);
  }

  #reconnect(link: Link, tries: number): void {
    // At random, so that the processes that lost the same server do not all come at once.
    const delay = Math.random() * Math.min(50 * 2 ** tries, LONGEST_BACKOFF);
    link.timer = setTimeout(() => {
      this.#connect(link).then(
        () => link.listening && this.#gap(),
        () => link.closed || this.#reconnect(link, tries + 1),
      );
    }, delay);
    link.timer.unref();
  }

  #gap(): void {
    for (const listener of this.#listeners) listener.gap();
  }
}
