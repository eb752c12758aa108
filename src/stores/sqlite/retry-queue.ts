/**
 * The longest pause between two attempts, in ms. A lock is held for about this long while the disk
 * works. With longer pauses, waiting calls starved beside processes that write all the time.
 */
const LONGEST_PAUSE = 5;
/** How long waiting calls are served before the process may do other work, in ms. */
const SLICE = 5;

/** The knowledge about errors that a queue needs. */
export interface Errors {
  /** Whether a later attempt may succeed. */
  isBusy(error: unknown): boolean;
  /** Converts an error after the last attempt. */
  explain(error: unknown): unknown;
}

/**
 * Calls that may find a lock taken. Each is tried immediately. Calls that must wait form a queue,
 * and only the first tries again, with timers. (When each call tried on its own, a thousand
 * waiting calls used up a whole core.)
 */
export class RetryQueue {
  readonly #patience: number;
  readonly #errors: Errors;
  /** Each function makes an attempt, and returns whether it was the last one. */
  readonly #waiting: (() => boolean)[] = [];

  /** @param patience how long each call may wait, in ms */
  constructor(patience: number, errors: Errors) {
    this.#patience = patience;
    this.#errors = errors;
  }

  run<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const giveUpAt = performance.now() + this.#patience;
      const settled = (): boolean => {
        try {
          resolve(work());
        } catch (error) {
          if (this.#errors.isBusy(error) && performance.now() < giveUpAt) return false;
          reject(this.#errors.explain(error));
        }
        return true;
      };
      // Behind earlier calls. Otherwise one of them might wait forever.
      if (this.#waiting.length > 0) this.#waiting.push(settled);
      else if (!settled()) this.#form(settled);
    });
  }

  #form(first: () => boolean): void {
    this.#waiting.push(first);
    void this.#serve();
  }

  async #serve(): Promise<void> {
    while (this.#waiting.length > 0) {
      // The pause is random, so that processes that met do not meet again.
      await pause(Math.random() * LONGEST_PAUSE);
      const until = performance.now() + SLICE;
      while (this.#waiting[0]?.()) {
        this.#waiting.shift();
        if (performance.now() >= until) break;
      }
    }
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
