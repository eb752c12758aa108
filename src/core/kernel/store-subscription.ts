import { describeError } from '../logger.js';
import { withoutSecrets } from '../safe-cause.js';
import type { StoreListener } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';
import { TimeLimit } from './time-limit.js';
import { clearQuietly, unref } from './timers.js';

const FIRST_BACKOFF = 100;
const LONGEST_BACKOFF = 10_000;

/** The reports of a {@link StoreSubscription}. */
export interface SubscriptionListener extends StoreListener {
  /** The notifications could not be opened. They are tried again after a pause. */
  failed(): void;
}

/**
 * The store's notifications, open while they are wanted. Opening and closing never overlap: each
 * waits for the one before it, and then does what is wanted by that time.
 */
export class StoreSubscription {
  readonly #store: GuardedStore;
  readonly #settings: Settings;
  readonly #listener: SubscriptionListener;
  #wanted = false;
  #unsubscribe: (() => Promise<void>) | undefined;
  #switching: Promise<void> | undefined;
  /** Ends the pause before the next try. */
  #wake: (() => void) | undefined;

  constructor(store: GuardedStore, settings: Settings, listener: SubscriptionListener) {
    this.#store = store;
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Whether the notifications are being opened or closed at the moment. */
  get switching(): boolean {
    return this.#switching !== undefined;
  }

  /** Opens the notifications, and tries again until they are open or no longer wanted. */
  open(): void {
    this.#wanted = true;
    this.#switch();
  }

  /** Closes the notifications, also those that are still being opened. */
  close(): void {
    this.#wanted = false;
    this.#wake?.();
    this.#switch();
  }

  /**
   * Resolves when all that was asked for is done. A store that does not answer is waited for no
   * longer than `storeTimeout`: what it opens later is closed then.
   */
  async settled(): Promise<void> {
    const settled = async () => {
      while (this.#switching) await this.#switching;
    };
    await new TimeLimit(this.#settings.storeTimeout).within(settled).catch(() => this.#report('closed', 'no answer'));
  }

  #switch(): void {
    if (!this.#store.has('subscribe') || this.#switching) return;
    if (this.#wanted === (this.#unsubscribe !== undefined)) return;
    this.#switching = (this.#unsubscribe ? this.#end(this.#unsubscribe) : this.#begin()).finally(() => {
      this.#switching = undefined;
      // Something else may be wanted by now.
      this.#switch();
    });
  }

  async #end(unsubscribe: () => Promise<void>): Promise<void> {
    this.#unsubscribe = undefined;
    await unsubscribe().catch((error: unknown) => this.#report('closed', error));
  }

  async #begin(): Promise<void> {
    for (let tries = 0; this.#wanted && !this.#unsubscribe; tries += 1) {
      try {
        this.#unsubscribe = await this.#store.subscribe(this.#listener);
        // Ends that came while there were no notifications were missed.
        this.#listener.gap();
      } catch (error) {
        this.#report('opened', error);
        this.#listener.failed();
        await this.#pause(Math.min(FIRST_BACKOFF * 2 ** tries, LONGEST_BACKOFF));
      }
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearQuietly(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = unref(setTimeout(wake, ms));
      this.#wake = wake;
    });
  }

  #report(what: 'opened' | 'closed', error: unknown): void {
    this.#settings.logger?.warn(
      `token-sessions: the store's notifications could not be ${what}: ${describeError(withoutSecrets(error))}`,
    );
  }
}
