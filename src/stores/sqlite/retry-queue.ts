/**
 * The longest pause between two tries, in ms. A lock is held for about as long where a disk is
 * waited for; with longer pauses those who wait were seen to starve beside processes that write
 * all the time.
 */
const LONGEST_PAUSE = 5;
/** How long those who waited are served before the process may do something else, in ms. */
const SLICE = 5;

/** What a line has to know of errors. */
export interface Errors {
  /** Whether a later try may succeed. */
  isBusy(error: unknown): boolean;
  /** What to report of an error that no further try follows. */
  explain(error: unknown): unknown;
}

/**
 * Calls that may find a lock taken. They are tried at once; those that have to wait do so in line,
 * and the first alone tries again, with timers. (Where each tried on its own, a thousand that
 * waited took the whole of a core for nothing.)
 */
export class RetryQueue {
  readonly #patience: number;
  readonly #errors: Errors;
  /** Each tries, and tells whether that was the last time. */
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
      // Behind those who came first: else one might wait for ever.
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
      // At random, so that processes that met do not meet again.
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
