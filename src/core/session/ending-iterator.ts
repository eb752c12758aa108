/**
 * Settles the pending `next` of a stream that was ended: with a last value, with `done`, or with
 * an error. It calls a function instead of throwing, because throwing is expensive.
 */
export type Ending<Value> = (
  reason: unknown,
  resolve: (result: IteratorResult<Value, unknown>) => void,
  reject: (error: unknown) => void,
) => void;

/**
 * Calls the listener when the stream must end, or immediately if it already must. Returns a
 * function that removes the listener.
 */
export type EndWatch = (listener: (reason: unknown) => void) => () => void;

/**
 * Iterates over `source` until `watch` calls its listener. Then a pending `next` gets the ending
 * immediately, and `source` must clean up. Nothing waits for the clean-up, not even `return`: a
 * source that waits for something else may take long, or never finish.
 *
 * It watches from the first `next` on. When the client has left by then, hosts drop the iterator
 * without `return`, and its listener would stay until the session ends.
 */
export function endingIterator<Value>(
  source: AsyncIterator<Value, unknown, unknown>,
  watch: EndWatch,
  ending: Ending<Value>,
): AsyncIterableIterator<Value, unknown, unknown> {
  return new EndingIterator(source, watch, ending);
}

type Step<Value> = IteratorResult<Value, unknown>;

/** The functions that settle a pending `next`. */
interface Waiting<Value> {
  resolve(step: Step<Value>): void;
  reject(error: unknown): void;
}

/** Written by hand, because `return` of an async generator queues behind a pending `next`. */
class EndingIterator<Value> implements AsyncIterableIterator<Value, unknown, unknown> {
  readonly #source: AsyncIterator<Value, unknown, unknown>;
  readonly #watch: EndWatch;
  readonly #ending: Ending<Value>;
  #stop: (() => void) | undefined;
  readonly #waiting = new Set<Waiting<Value>>();
  #isOpen = true;
  #ended: { readonly reason: unknown } | undefined;
  #isDelivered = false;

  constructor(source: AsyncIterator<Value, unknown, unknown>, watch: EndWatch, ending: Ending<Value>) {
    this.#source = source;
    this.#watch = watch;
    this.#ending = ending;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(...args: [] | [unknown]): Promise<Step<Value>> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      if (this.#isOpen) this.#stop ??= this.#watch((reason) => this.#end(reason));
      if (!this.#isOpen) {
        // The watch may have ended it before it returned the function that stops it.
        this.#stop?.();
        this.#settle(waiting);
        return;
      }
      this.#waiting.add(waiting);
      // The ending is final: a source that cleans up may report its own end before it arrives.
      this.#source.next(...args).then(
        (step) => {
          if (!this.#waiting.delete(waiting)) return;
          if (step.done) this.#close();
          resolve(step);
        },
        (error: unknown) => {
          if (!this.#waiting.delete(waiting)) return;
          this.#close();
          reject(error);
        },
      );
    });
  }

  return(value?: unknown): Promise<Step<Value>> {
    this.#close();
    return (this.#ended ? undefined : this.#source.return?.(value)) ?? Promise.resolve({ done: true, value });
  }

  throw(error?: unknown): Promise<Step<Value>> {
    this.#close();
    return (this.#ended ? undefined : this.#source.throw?.(error)) ?? Promise.reject(error);
  }

  #end(reason: unknown): void {
    this.#ended = { reason };
    this.#close();
    for (const waiting of this.#waiting) this.#settle(waiting);
    this.#waiting.clear();
    cleanUp(this.#source);
  }

  #close(): void {
    this.#isOpen = false;
    this.#stop?.();
  }

  /**
   * Only the first of several pending calls gets the ending. The others get `done`, as with a
   * generator.
   */
  #settle({ resolve, reject }: Waiting<Value>): void {
    if (this.#isDelivered || !this.#ended) {
      resolve({ done: true, value: undefined });
      return;
    }
    this.#isDelivered = true;
    this.#ending(this.#ended.reason, resolve, reject);
  }
}

function cleanUp(source: AsyncIterator<unknown, unknown, unknown>): void {
  try {
    source.return?.()?.then(undefined, () => undefined);
  } catch {
    // Nothing can handle an error of a source that is cleaning up.
  }
}
