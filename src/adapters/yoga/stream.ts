import { findingOf, toGraphQLError } from './errors.js';
import type { OperationResult } from './hooks.js';
import type { Operation } from './operation.js';

/**
 * The results of a subscription or of `@defer`, each handed on when what changed until then is saved. What changes after the last
 * one is saved when the source ends, also because the client left, and is dropped when the source throws.
 *
 * Here is where a stream can be told that its session has ended: this iterator is all that stands between the source and the
 * client. Written by hand, since `return` of an async generator would stand in line behind a `next` that is under way.
 */
export function savedStream(results: AsyncIterable<OperationResult>, operation: Operation): AsyncIterableIterator<OperationResult> {
  const source = results[Symbol.asyncIterator]();
  operation.detach();
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const step = await source.next().catch((error: unknown) => fail(operation, error));
      return step.done ? conclude(operation) : { done: false, value: await operation.finishPart(step.value) };
    },
    return: async () => {
      await source.return?.();
      const { value } = await conclude(operation);
      if (value) operation.handle.report(value.errors?.[0]?.cause);
      return { done: true, value: undefined };
    },
    throw: async (error: unknown) => {
      await source.return?.();
      return fail(operation, error);
    },
  };
}

const DONE = { done: true, value: undefined } as const;

/** The end of the stream; before it one more result where what the source changed at last could not be saved. */
async function conclude(operation: Operation): Promise<{ done: true; value: undefined } | { done: false; value: OperationResult }> {
  const last = await operation.finishPart({ hasNext: false });
  operation.end();
  return last.errors ? { done: false, value: { data: null, errors: last.errors } } : DONE;
}

function fail(operation: Operation, error: unknown): never {
  operation.end();
  throw findingOf(error) ? toGraphQLError(error) : error;
}
