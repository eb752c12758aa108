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
 * Written by hand, because `return` of an async generator queues behind a pending `next`.
 */
export function endingIterator<Value>(
  source: AsyncIterator<Value, unknown, unknown>,
  watch: EndWatch,
  ending: Ending<Value>,
): AsyncIterableIterator<Value, unknown, unknown> {
  const waiting = new Set<() => void>();
  let open = true;
  let ended: { readonly reason: unknown } | undefined;
  let isDelivered = false;

  function close(): void {
    open = false;
    stop?.();
  }

  function end(reason: unknown): void {
    ended = { reason };
    close();
    for (const settle of waiting) settle();
    waiting.clear();
    cleanUp(source);
  }

  function next(...args: [] | [unknown]): Promise<IteratorResult<Value, unknown>> {
    return new Promise((resolve, reject) => {
      // Only the first of several pending calls gets the ending. The others get `done`, as with a
      // generator.
      const settle = (): void => {
        if (isDelivered || !ended) {
          resolve({ done: true, value: undefined });
          return;
        }
        isDelivered = true;
        ending(ended.reason, resolve, reject);
      };
      if (!open) {
        settle();
        return;
      }
      waiting.add(settle);
      // The ending is final: a source that cleans up may report its own end before it arrives.
      source.next(...args).then(
        (result) => {
          if (!waiting.delete(settle)) return;
          if (result.done) close();
          resolve(result);
        },
        (error: unknown) => {
          if (!waiting.delete(settle)) return;
          close();
          reject(error);
        },
      );
    });
  }

  let stop: (() => void) | undefined;
  stop = watch(end);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next,
    return: (value) => {
      close();
      return (ended ? undefined : source.return?.(value)) ?? Promise.resolve({ done: true, value });
    },
    throw: (error) => {
      close();
      return (ended ? undefined : source.throw?.(error)) ?? Promise.reject(error);
    },
  };
}

function cleanUp(source: AsyncIterator<unknown, unknown, unknown>): void {
  try {
    source.return?.()?.then(undefined, () => undefined);
  } catch {
    // Nothing can handle an error of a source that is cleaning up.
  }
}
