import { isSessionId } from '../../core/record/token.js';
import type { StoreListener } from '../../core/store.js';

/** What a subscription to a channel reports. */
export interface ChannelEvents {
  message(text: string): void;
  /**
   * Messages may have been missed: the connection was lost or restored. It comes back on its own.
   */
  gap(): void;
  /** The connection is gone and does not come back. */
  lost(): void;
}

/**
 * Reports one gap when a connection is lost, however often the client tries to restore it, and one
 * when it is back.
 */
export function gapsOf(events: ChannelEvents): { interrupted(): void; restored(): void } {
  let isDown = false;
  return {
    interrupted() {
      if (!isDown) events.gap();
      isDown = true;
    },
    restored() {
      isDown = false;
      events.gap();
    },
  };
}

/** Ends a subscription. */
export type Unsubscribe = () => Promise<void>;

/** A channel of a server: what {@link Notifications} needs of a client. */
export interface Channel {
  /** Opens a subscription. Settles within bounded time, so that others can follow. */
  open(events: ChannelEvents): Promise<Unsubscribe>;
  /** Whether another subscription can take the place of one that is lost. */
  readonly reopens: boolean;
}

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** A subscription from the moment it is wanted: it may be closed while it still opens. */
interface Subscription {
  readonly opened: Promise<void>;
  close?: Unsubscribe;
  closed: boolean;
}

/**
 * Reports ended sessions to any number of listeners over one subscription: opened for the first
 * listener, closed after the last, opened again when it is lost.
 */
export class Notifications {
  readonly #channel: Channel;
  readonly #listeners = new Set<StoreListener>();
  #subscription: Subscription | undefined;
  /**
   * Openings and closings run one after the other: on a shared client, a late UNSUBSCRIBE would
   * end a newer subscription.
   */
  #line: Promise<unknown> = Promise.resolve();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Resolves once everything that ends from now on will be reported, to a function that stops the
   * reports.
   */
  async subscribe(listener: StoreListener): Promise<Unsubscribe> {
    // An entry of its own for each call, so that a listener may subscribe twice.
    const entry: StoreListener = { ended: (ids) => listener.ended(ids), gap: () => listener.gap() };
    this.#listeners.add(entry);
    try {
      await this.#ensureOpen();
    } catch (error) {
      void this.#remove(entry);
      throw error;
    }
    return () => this.#remove(entry);
  }

  async #remove(entry: StoreListener): Promise<void> {
    this.#listeners.delete(entry);
    if (this.#listeners.size > 0) return;
    clearTimeout(this.#retry);
    this.#failures = 0;
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription) await this.#close(subscription);
  }

  #ensureOpen(): Promise<void> {
    clearTimeout(this.#retry);
    this.#subscription ??= this.#open();
    return this.#subscription.opened;
  }

  #open(): Subscription {
    const opened = this.#line.then(() => this.#connect(subscription));
    const subscription: Subscription = { opened, closed: false };
    this.#line = opened.catch(ignore);
    opened.catch(() => this.#lost(subscription));
    return subscription;
  }

  async #connect(subscription: Subscription): Promise<void> {
    if (subscription.closed) return;
    let lost = false;
    const close = await this.#channel.open({
      message: (text) => this.#report(text),
      gap: () => !subscription.closed && this.#reportGap(),
      lost: () => {
        lost = true;
        if (subscription.close) this.#lost(subscription);
      },
    });
    if (lost) throw new Error('the connection for notifications was lost as soon as it was open');
    if (subscription.closed) return close();
    subscription.close = close;
    if (this.#failures > 0) this.#reportGap();
    this.#failures = 0;
  }

  async #close(subscription: Subscription): Promise<void> {
    subscription.closed = true;
    // Nobody waits for one that still opens: it is closed as soon as it is there.
    const closing = subscription.close?.();
    this.#line = Promise.all([this.#line, closing]).catch(ignore);
    await closing;
  }

  /**
   * Messages just before a loss may not have arrived, and until another subscription is open none
   * will.
   */
  #lost(subscription: Subscription): void {
    if (subscription.closed || this.#subscription !== subscription) return;
    subscription.closed = true;
    this.#subscription = undefined;
    void subscription.close?.().catch(ignore);
    if (subscription.close) this.#reportGap();
    if (this.#channel.reopens && this.#listeners.size > 0) this.#reopenLater();
  }

  #reopenLater(): void {
    // At random, so that the processes that lost the same server do not all come back at the same
    // moment.
    const pause = Math.random() * Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#ensureOpen().catch(ignore), pause);
    this.#retry.unref();
  }

  /**
   * A message is a list of session ids. Other programs may publish on the channel: what is no id
   * is left out.
   */
  #report(text: string): void {
    const ids = text.split(',').filter(isSessionId);
    if (ids.length > 0) for (const listener of this.#listeners) listener.ended(ids);
  }

  #reportGap(): void {
    for (const listener of this.#listeners) listener.gap();
  }
}

function ignore(): void {}
