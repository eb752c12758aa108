import { isSessionId } from '../../core/record/token.js';
import type { StoreListener } from '../../core/store.js';

/** Receives the reports of a channel's subscription. */
export interface ChannelEvents {
  message(text: string): void;
  /** Messages may be missing: the connection was lost or restored. It recovers without help. */
  gap(): void;
  /** The connection is gone, and does not recover. */
  lost(): void;
}

/**
 * Reports one gap when a connection is lost, however often the client tries to restore it, and one
 * gap when it is back.
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

/** A channel of a server: the part of a client that {@link Notifications} needs. */
export interface Channel {
  /** Opens a subscription. Must settle within bounded time, because others wait behind it. */
  open(events: ChannelEvents): Promise<Unsubscribe>;
  /** Whether a new subscription can replace a lost one. */
  readonly reopens: boolean;
}

const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 5_000;

/** A subscription. It may be closed while it is still opening. */
interface Subscription {
  readonly opened: Promise<void>;
  close?: Unsubscribe;
  closed: boolean;
}

/**
 * Reports ended sessions to any number of listeners over one subscription. It opens the
 * subscription for the first listener, closes it after the last, and opens it again when it is
 * lost.
 */
export class Notifications {
  readonly #channel: Channel;
  readonly #listeners = new Set<StoreListener>();
  #subscription: Subscription | undefined;
  /**
   * Opening and closing run one after the other. On a shared client, a late UNSUBSCRIBE would end
   * a newer subscription.
   */
  #line: Promise<unknown> = Promise.resolve();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Resolves when every end from now on will be reported, to a function that stops the reports.
   */
  async subscribe(listener: StoreListener): Promise<Unsubscribe> {
    // Each call gets an entry of its own, so that a listener may subscribe twice.
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
    if (lost) throw new Error('the connection for notifications was lost immediately after it was opened');
    if (subscription.closed) return close();
    subscription.close = close;
    if (this.#failures > 0) this.#reportGap();
    this.#failures = 0;
  }

  async #close(subscription: Subscription): Promise<void> {
    subscription.closed = true;
    // Nothing waits for a subscription that is still opening. It is closed as soon as it is open.
    const closing = subscription.close?.();
    this.#line = Promise.all([this.#line, closing]).catch(ignore);
    await closing;
  }

  /**
   * Handles a lost subscription. The last messages before the loss may be missing, and none come
   * until a new subscription is open.
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
    // The pause is random, so that processes that lost the same server do not all return at the
    // same moment.
    const pause = Math.random() * Math.min(FIRST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures += 1;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#ensureOpen().catch(ignore), pause);
    this.#retry.unref();
  }

  /**
   * Reports a message, which is a list of session ids. Other programs may publish on the channel,
   * so anything that is not an id is ignored.
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
