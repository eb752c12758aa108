/** The error of a call that takes longer than its {@link TimeLimit}. */
export class Timeout extends Error {}

/**
 * A call, linked to the calls that began before and after it. A finished call is linked to itself.
 */
class Call {
  before: Call = this;
  after: Call = this;
  /** When its time runs out, by `performance.now()`. */
  readonly until: number;
  readonly fail: (error: unknown) => void;

  constructor(until: number, fail: (error: unknown) => void) {
    this.until = until;
    this.fail = fail;
  }
}

/**
 * Limits how long each of many calls may take. The limit is the same for all, so calls time out in
 * the order in which they began, and one timer serves them all. One timer for each call took two
 * or three per cent of the CPU time of a whole tRPC request. The calls form a linked list, because
 * a call can leave it cheaply.
 */
export class TimeLimit {
  readonly #ms: number;
  /** Stands before the first call and after the last, so that no call is a special case. */
  readonly #ends = new Call(Number.POSITIVE_INFINITY, () => undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * Resolves to the outcome of `run`, or rejects with a {@link Timeout}. Late outcomes are
   * dropped.
   */
  within<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.answer(run, same, same);
  }

  /**
   * Resolves to what `use` returns for the outcome of `run`. Rejects with what `explain` returns
   * for a failure or the {@link Timeout}. Uses a single promise, because a promise for each step
   * was a large part of the cost of a read.
   */
  answer<Found, Result>(
    run: () => Promise<Found>,
    use: (found: Found) => Result | PromiseLike<Result>,
    explain: (error: unknown) => unknown,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const failed = (error: unknown): void => {
        if (this.#end(call)) reject(explain(error));
      };
      const call = this.#begin(failed);
      const found = (value: Found): void => {
        if (!this.#end(call)) return;
        try {
          resolve(use(value));
        } catch (error) {
          reject(error);
        }
      };
      try {
        run().then(found, failed);
      } catch (error) {
        failed(error);
      }
    });
  }

  /** Whether a call is running. */
  get isBusy(): boolean {
    return this.#ends.after !== this.#ends;
  }

  #begin(fail: (error: unknown) => void): Call {
    const call = new Call(performance.now() + this.#ms, fail);
    link(this.#ends.before, call);
    link(call, this.#ends);
    this.#timer ??= setTimeout(this.#expire, this.#ms);
    return call;
  }

  /** Takes a call out of the list. Returns whether the call was still running. */
  #end(call: Call): boolean {
    if (call.after === call) return false;
    link(call.before, call.after);
    link(call, call);
    // Without calls the timer must stop, because it would keep the process alive.
    if (!this.isBusy) this.#stop();
    return true;
  }

  readonly #expire = (): void => {
    const now = performance.now();
    this.#stop();
    while (this.#ends.after.until <= now) this.#ends.after.fail(new Timeout());
    if (this.isBusy) this.#timer = setTimeout(this.#expire, this.#ends.after.until - now);
  };

  #stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function link(before: Call, after: Call): void {
  before.after = after;
  after.before = before;
}

function same<Value>(value: Value): Value {
  return value;
}
