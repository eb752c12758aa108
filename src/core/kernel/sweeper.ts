import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';
import { clearQuietly, unref } from './timers.js';

/**
 * A sweep leaves records that expired less than this long ago, in ms. A server whose clock is
 * ahead must not delete sessions that other servers still serve.
 */
export const SWEEP_MARGIN = 3_600_000;

/** Sweeps a store that keeps expired records, every `sweepInterval` after the first use. */
export class Sweeper {
  readonly #store: GuardedStore;
  readonly #settings: Settings;
  readonly #isNeeded: boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(store: GuardedStore, settings: Settings) {
    this.#store = store;
    this.#settings = settings;
    this.#isNeeded = store.has('sweep') && settings.sweepInterval !== Number.POSITIVE_INFINITY;
  }

  /** Starts at the first use of the store. Some runtimes allow no timer while a module loads. */
  start(): void {
    if (!this.#isNeeded || this.#timer || this.#isClosed) return;
    // The delay is partly random, so that processes that started together sweep apart.
    const delay = this.#settings.sweepInterval * (0.8 + 0.2 * Math.random());
    this.#timer = unref(setTimeout(() => this.#run(), delay));
  }

  close(): void {
    this.#isClosed = true;
    clearQuietly(this.#timer);
  }

  async #run(): Promise<void> {
    try {
      for await (const _ of this.#store.sweep(this.#settings.now() - SWEEP_MARGIN)) if (this.#isClosed) break;
    } catch {
      // The store is unavailable, which its own report shows. The next sweep removes the rest.
    }
    this.#timer = undefined;
    this.start();
  }
}
