import type { EndListener } from '../kernel/watched.js';
import { type EndSignal, endSignal } from './end-signal.js';
import type { HeldSession } from './held-session.js';

interface Following {
  /** Set while the signal is watched. */
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
      watch(state, state.held);
      return () => {
        state.stop();
        state.listener = undefined;
      };
    });
  }

  get signal(): AbortSignal {
    return this.#end.signal;
  }

  /** A signal that is not watched now is watched for this session later. */
  follow(held: HeldSession | null): void {
    const state = this.#state;
    if (held === state.held || this.signal.aborted) return;
    state.stop();
    watch(state, held);
  }

  release(isOver: boolean): void {
    this.#end.release(isOver);
  }
}

function watch(state: Following, held: HeldSession | null): void {
  const { listener } = state;
  state.held = held;
  state.stop = (listener && held?.watch(listener)) ?? (() => undefined);
}
