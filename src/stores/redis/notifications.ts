import type { StoreListener } from '../../core/store.js';
import { ignore, type Listen } from './clients/connection.js';
import { isId } from './keys.js';

const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 10_000;

/**
 * Tells listeners of the sessions whose ids are published: one connection for all of them, opened for the first and closed after
 * the last. Where the connection does not come back by itself, another one is opened.
 */
export class Notifications {
  readonly #listen: Listen;
  readonly #channel: string;
  readonly #listeners = new Set<StoreListener>();
  #stop: (() => Promise<void>) | undefined;
  /** Opening and closing, one after the other. */
  #line: Promise<unknown> = Promise.resolve();
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Of several connections, only the newest is listened to. */
  #generation = 0;

  constructor(listen: Listen, channel: string) {
    this.#listen = listen;
    this.#channel = channel;
  }

  /** Resolves once everything that ends from now on will be told; what it resolves to stops that. */
  async subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    // An object of its own, so that a listener may subscribe twice.
    const own: StoreListener = { ended: (ids) => listener.ended(ids), gap: () => listener.gap() };
    this.#listeners.add(own);
    try {
      await this.#adjust();
    } catch (error) {
      this.#listeners.delete(own);
      throw error;
    }
    return async () => {
      if (this.#listeners.delete(own)) await this.#adjust();
    };
  }

  /** Opens the connection when it is wanted and missing, closes it when it is there and not wanted. */
  #adjust(): Promise<void> {
    const done = this.#line.then(() => this.#openOrClose());
    this.#line = done.catch(ignore);
    return done;
  }

  async #openOrClose(): Promise<void> {
    const wanted = this.#listeners.size > 0;
    if (wanted && !this.#stop) await this.#open();
    if (wanted) return;
    clearTimeout(this.#retry);
    this.#generation += 1;
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }

  async #open(): Promise<void> {
    clearTimeout(this.#retry);
    this.#generation += 1;
    const generation = this.#generation;
    const whenCurrent = (then: () => void) => () => {
      if (generation === this.#generation) then();
    };
    this.#stop = await this.#listen(this.#channel, {
      message: (text) => this.#tell(text),
      resumed: whenCurrent(() => this.#gap()),
      lost: whenCurrent(() => this.#reopen(FIRST_PAUSE)),
    });
  }

  #reopen(pause: number): void {
    this.#generation += 1;
    void this.#stop?.().catch(ignore);
    this.#stop = undefined;
    this.#retry = setTimeout(() => {
      this.#adjust().then(
        () => this.#gap(),
        () => this.#reopen(Math.min(2 * pause, LONGEST_PAUSE)),
      );
    }, pause).unref();
  }

  #tell(text: string): void {
    // Anybody may publish on a channel.
    if (!isId(text)) return;
    for (const listener of this.#listeners) listener.ended([text]);
  }

  #gap(): void {
    for (const listener of this.#listeners) listener.gap();
  }
}
