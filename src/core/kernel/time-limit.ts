/** How a call ends that takes longer than its {@link TimeLimit}. */
export class Timeout extends Error {}

/**
 * A call, linked to the calls that began before and after it. It is its own neighbour when it is
 * over.
 */
class Call {
  before: Call = this;
  after: Call = this;
  /** When its time is over, by `performance.now()`. */
  readonly until: number;
  readonly expire: () => void;

  constructor(until: number, expire: () => void) {
    this.until = until;
    this.expire = expire;
  }
}

/**
 * The longest that each of many calls may take. It is the same for all, so they run out in the
 * order in which they began, and one timer serves them all. One timer for each took two or three
 * per cent of the CPU of a whole tRPC request. The calls form a linked list, which each leaves
 * cheaply.
 */
export class TimeLimit {
  readonly #ms: number;
  /** Stands before the first call and after the last, so that no call is a special case. */
  readonly #ends = new Call(Number.POSITIVE_INFINITY, () => undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** The outcome of `run`, or a {@link Timeout}. What comes later is dropped. */
  within<Result>(run: () => Promise<Result>): Promise<Result> {
    return this.answer(run, same, same);
  }

  /**
   * Resolves to what `use` makes of the outcome of `run`. Rejects with what `explain` makes of a
   * failure or of the {@link Timeout}. It is one promise, since a promise for each step was a good
   * part of the cost of a read.
   */
  answer<Found, Result>(
    run: () => Promise<Found>,
    use: (found: Found) => Result | PromiseLike<Result>,
    explain: (error: unknown) => unknown,
  ): Promise<Result> {
    return new Promise((resolve, reject) => {
      const call = this.#begin(() => reject(explain(new Timeout())));
      const failed = (error: unknown): void => {
        if (this.#end(call)) reject(explain(error));
      };
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

  #begin(expire: () => void): Call {
    const call = new Call(performance.now() + this.#ms, expire);
    link(this.#ends.before, call);
    link(call, this.#ends);
    this.#timer ??= setTimeout(this.#expire, this.#ms);
    return call;
  }

  /** Takes a call out. Whether it was still under way. */
  #end(call: Call): boolean {
    if (call.after === call) return false;
    link(call.before, call.after);
    link(call, call);
    // Without calls no timer: it would keep the process from ending.
    if (this.#ends.after === this.#ends) this.#stop();
    return true;
  }

  readonly #expire = (): void => {
    const now = performance.now();
    this.#stop();
    while (this.#ends.after.until <= now) {
      const call = this.#ends.after;
      this.#end(call);
      call.expire();
    }
    if (this.#ends.after !== this.#ends) this.#timer = setTimeout(this.#expire, this.#ends.after.until - now);
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
