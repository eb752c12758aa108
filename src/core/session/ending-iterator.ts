/** Settles what is waited for when a stream is ended: with a last value, its end or an error. A call in place of a throw, which is dear. */
export type Ending<Value> = (
  reason: unknown,
  resolve: (result: IteratorResult<Value, unknown>) => void,
  reject: (error: unknown) => void,
) => void;

/** Calls the listener when the time has come, at once where it already has. Returns what stops that. */
export type EndWatch = (listener: (reason: unknown) => void) => () => void;

/**
 * The values of `source` until `watch` tells that it is over; then whoever waits for one is given the ending at once, and `source` is told to
 * clean up. Nobody waits for that, also not who returns from it: a source that waits for something else may take its time, and never come to it.
 *
 * Written by hand, as the `return` of an async generator stands in line behind the `next` that is under way.
 */
export function endingIterator<Value>(
  source: AsyncIterator<Value, unknown, unknown>,
  watch: EndWatch,
  ending: Ending<Value>,
): AsyncIterableIterator<Value, unknown, unknown> {
  const waiting = new Set<() => void>();
  let open = true;
  let ended: { readonly reason: unknown } | undefined;
  let told = false;

  function close(): void {
    open = false;
    stop?.();
  }

  function end(reason: unknown): void {
    ended = { reason };
    close();
    for (const tell of waiting) tell();
    waiting.clear();
    cleanUp(source);
  }

  function next(...args: [] | [unknown]): Promise<IteratorResult<Value, unknown>> {
    return new Promise((resolve, reject) => {
      // The ending is for who comes first: of several calls that wait, the others are told that it is done, as those of a generator.
      const tell = (): void => {
        if (told || !ended) {
          resolve({ done: true, value: undefined });
          return;
        }
        told = true;
        ending(ended.reason, resolve, reject);
      };
      if (!open) {
        tell();
        return;
      }
      waiting.add(tell);
      // Once the ending is on its way it stands: a source that is told to clean up may well say that it is done before that has come.
      source.next(...args).then(
        (result) => {
          if (!waiting.delete(tell)) return;
          if (result.done) close();
          resolve(result);
        },
        (error: unknown) => {
          if (!waiting.delete(tell)) return;
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
    // What a source does wrong while it is told to go is of no interest to anybody.
  }
}
