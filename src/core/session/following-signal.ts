import type { EndListener } from '../kernel/watched.js';
import { type EndSignal, endSignal } from './end-signal.js';
import type { HeldSession } from './held-session.js';

interface Following {
  listener: EndListener | undefined;
  held: HeldSession | null;
  stop: () => void;
}

/** A signal that aborts when the session that the call acts for at that moment ends. */
export class FollowingSignal {
  readonly #end: EndSignal;
  readonly #state: Following;

  constructor() {
    const state: Following = { listener: undefined, held: null, stop: () => undefined };
    this.#state = state;
    this.#end = endSignal((listener) => {
      state.listener = listener;
      if (state.held) state.stop = state.held.watch(listener);
      return () => state.stop();
    });
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  follow(held: HeldSession | null): void {
    const state = this.#state;
    const { listener } = state;
    if (held === state.held || !listener || this.signal.aborted) return;
    state.stop();
    state.held = held;
    state.stop = held ? held.watch(listener) : () => undefined;
  }

  release(isOver: boolean): void {
    this.#end.release(isOver);
  }
}
