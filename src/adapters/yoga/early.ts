import type { Operation } from '../../graphql/call.js';
import { isIncremental, isStream, restated } from '../../graphql/results.js';
import type { OperationResult, OperationResults } from '../../graphql/types.js';
import type { ExecutionResults, Executor } from './hooks.js';

/**
 * Wraps the executor: library errors in its results become GraphQL errors early. A plugin that
 * masks errors may come before this one, and it would treat a `SessionError` as an internal error.
 */
export function restatingEarly(run: Executor): Executor {
  return (args) => {
    const results = run(args);
    return results instanceof Promise ? results.then(restateAll) : restateAll(results);
  };
}

/** Wraps the executor of subscriptions: see {@link Operation.finishStart}. */
export function finishingStart(run: Executor, operation: Operation): Executor {
  return async (args) => operation.finishStart((await run(args)) as OperationResults);
}

function restateAll(results: unknown): unknown {
  if (typeof results !== 'object' || results === null) return results;
  const known = results as ExecutionResults;
  if (isStream(known)) return restatedStream(known);
  if (!isIncremental(known)) return restated(known);
  const { initialResult, subsequentResults } = known;
  return {
    ...known,
    initialResult: restated(initialResult),
    subsequentResults: restatedStream(subsequentResults),
  };
}

function restatedStream(results: AsyncIterable<OperationResult>): AsyncIterableIterator<OperationResult> {
  const source = results[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const step = await source.next();
      return step.done ? step : { done: false, value: restated(step.value) };
    },
    return: (value) => source.return?.(value) ?? Promise.resolve({ done: true, value }),
    throw: (error) => source.throw?.(error) ?? Promise.reject(error),
  };
}
