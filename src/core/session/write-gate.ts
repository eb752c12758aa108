/** The longest time that a call's write waits for the others of its batch, in ms. */
export const LONGEST_HOLD = 1_000;

/**
 * Makes the writes of a batch wait for each other, so that they become one write. Nothing else may
 * depend on how many calls are running.
 */
export class WriteGate {
  #running = 0;
  #waiting: (() => void)[] = [];

  /**
   * A call of the batch begins. Returns a function. Call it when the call writes nothing more, or
   * when the call itself begins to wait.
   */
  enter(): () => void {
    this.#running += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#running -= 1;
      if (this.#running === 0) this.#open();
    };
  }

  /** Resolves when no call is running any more, or after this time. */
  wait(atMostMs: number): Promise<void> | undefined {
    if (this.#running === 0 || atMostMs === 0) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #open(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const open of waiting) open();
  }
}
