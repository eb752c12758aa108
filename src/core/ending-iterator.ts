/** What a stream comes to when its signal aborts: a last value or the end, or a rejection. */
export type Ending<Value> = (reason: unknown) => Promise<IteratorResult<Value, unknown>>;

/**
 * The values of `source` until `signal` aborts; then whoever waits for one is given the ending at once, and `source` is told to
 * clean up. Nobody waits for that, also not who returns from it: a source that waits for something else may take its time, and never come to it.
 *
 * Written by hand, as the `return` of an async generator stands in line behind the `next` that is under way.
 */
export function endingIterator<Value>(
  source: AsyncIterator<Value, unknown, unknown>,
  signal: AbortSignal,
  ending: Ending<Value>,
): AsyncIterator<Value, unknown, unknown> {
  const waiting = new Set<(reason: unknown) => void>();
  let open = true;
  /** Whether the ending is still to be given to somebody. */
  let toldOf = false;

  function close(): void {
    open = false;
    signal.removeEventListener('abort', abort);
  }

  function abort(): void {
    close();
    toldOf = waiting.size > 0;
    for (const tell of waiting) tell(signal.reason);
    waiting.clear();
    cleanUp(source);
  }

  async function conclude(): Promise<IteratorResult<Value, unknown>> {
    if (toldOf || !signal.aborted) return { done: true, value: undefined };
    toldOf = true;
    return ending(signal.reason);
  }

  function next(...args: [] | [unknown]): Promise<IteratorResult<Value, unknown>> {
    if (!open) return conclude();
    return new Promise((resolve, reject) => {
      const tell = (reason: unknown): void => {
        ending(reason).then(resolve, reject);
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

  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort);
  return {
    next,
    return: (value) => {
      const told = signal.aborted && !open;
      close();
      return (told ? undefined : source.return?.(value)) ?? Promise.resolve({ done: true, value });
    },
    throw: (error) => {
      const told = signal.aborted && !open;
      close();
      return (told ? undefined : source.throw?.(error)) ?? Promise.reject(error);
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
