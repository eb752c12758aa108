import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';
import { clearQuietly, unref } from './timers.js';

/**
 * What expired less than this long ago is left, in ms: a server whose clock is ahead must not
 * delete what others still serve.
 */
export const SWEEP_MARGIN = 3_600_000;

/** Sweeps a store that keeps expired records, every `sweepInterval` from its first use on. */
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

  /** The store is used. No timer runs before: some runtimes allow none while a module loads. */
  start(): void {
    if (!this.#isNeeded || this.#timer || this.#isClosed) return;
    // Spread by chance, so that processes that started together do not sweep together.
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
      // The store is away, as its own report says. The next sweep finds what is left.
    }
    this.#timer = undefined;
    this.start();
  }
}
