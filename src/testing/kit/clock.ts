/** A clock that stands still until it is moved. */
export interface Clock {
  readonly now: () => number;
  /** Moves the clock forward by so many ms. */
  advance(ms: number): void;
}

/** Starts at an odd moment: a store that drops milliseconds shows. */
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
 * Asks until the condition holds, for what happens by a clock that cannot be moved. Answers
 * whether it came to hold.
 */
export async function poll(condition: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
