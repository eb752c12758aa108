/** A clock that stands still until a test moves it. */
export interface Clock {
  readonly now: () => number;
  /** Moves the clock forward by this many ms. */
  advance(ms: number): void;
}

/** Starts at an odd time, so that a store that drops milliseconds shows. */
export function stoppedClock(start = Date.UTC(2030, 0, 1) + 987): Clock {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}

/**
 * Polls until the condition holds, for events by a clock that a test cannot move. Returns whether
 * it held in time.
 */
export async function poll(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
