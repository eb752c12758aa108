/** What a stream comes to when it is ended: a last value or the end, or, by throwing or rejecting, an error. */
export type Ending<Value> = (reason: unknown) => IteratorResult<Value, unknown> | Promise<IteratorResult<Value, unknown>>;

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
): AsyncIterator<Value, unknown, unknown> {
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

  /** The ending for who comes first, and that it is done for all others: as of a generator, of several calls that wait one is told. */
  function conclude(): ReturnType<Ending<Value>> {
    if (told || !ended) return { done: true, value: undefined };
    told = true;
    return ending(ended.reason);
  }

  function next(...args: [] | [unknown]): Promise<IteratorResult<Value, unknown>> {
    return new Promise((resolve, reject) => {
      // What is thrown here rejects.
      if (!open) return resolve(conclude());
      const tell = (): void => {
        try {
          resolve(conclude());
        } catch (error) {
          reject(error);
        }
      };
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
