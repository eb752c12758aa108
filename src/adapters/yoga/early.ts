import type { Operation } from '../../graphql/call.js';
import { restate } from '../../graphql/errors.js';
import { isStream } from '../../graphql/results.js';
import type { OperationResult, OperationResults } from '../../graphql/types.js';
import type { Executor } from './hooks.js';

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
  const known = results as OperationResults;
  return isStream(known) ? restatedStream(known) : restateErrors(known);
}

function restateErrors(result: OperationResult): OperationResult {
  return result.errors ? { ...result, errors: result.errors.map((error) => restate(error)) } : result;
}

function restatedStream(results: AsyncIterable<OperationResult>): AsyncIterableIterator<OperationResult> {
  const source = results[Symbol.asyncIterator]();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const step = await source.next();
      return step.done ? step : { done: false, value: restateErrors(step.value) };
    },
    return: (value) => source.return?.(value) ?? Promise.resolve({ done: true, value }),
    throw: (error) => source.throw?.(error) ?? Promise.reject(error),
  };
}
