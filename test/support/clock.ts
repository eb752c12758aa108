/** A clock that stands still until a test moves it. */
export interface Clock {
  /** Given to the library as its `now`; in ms since the epoch. */
  readonly now: () => number;
  /** Moves the clock forward. */
  advance(ms: number): void;
}

export function testClock(start = Date.UTC(2030, 0, 1)): Clock {
  let time = start;
  return {
    now: () => time,
    advance: (ms) => {
      time += ms;
    },
  };
}
