import { withoutStack } from '../../core/error.js';
import { endingIterator } from '../../core/session/ending-iterator.js';
import type { Operation } from './call.js';
import { isOurs, toGraphQLError } from './errors.js';
import type { OperationResult } from './hooks.js';

/**
 * The results of a subscription or of `@defer`, each handed on when what changed until then is saved. What changes after the last
 * one is saved when the source ends, also because the client left, and is dropped when the source throws.
 * When the session ends that the operation began with, the stream ends with one more result, which says so.
 *
 * Written by hand, since `return` of an async generator would stand in line behind a `next` that is under way.
 */
export function savedStream(
  results: AsyncIterable<OperationResult>,
  operation: Operation,
  kind: 'events' | 'parts',
): AsyncIterableIterator<OperationResult> {
  operation.detach();
  const source = endedBySession(results[Symbol.asyncIterator](), operation, kind);
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
      operation.end();
      throw error;
    },
  };
}

function endedBySession(
  source: AsyncIterator<OperationResult, unknown>,
  { onEnd }: Operation,
  kind: 'events' | 'parts',
): AsyncIterator<OperationResult, unknown> {
  if (!onEnd) return source;
  // The parts of a result that is sent in parts tell whether more will come.
  const base = kind === 'parts' ? { hasNext: false } : {};
  return endingIterator(source, onEnd, (reason, resolve) => {
    resolve({ done: false, value: { ...base, data: null, errors: [withoutStack(() => toGraphQLError(reason))] } });
  });
}

const DONE = { done: true, value: undefined } as const;

/** The end of the stream; before it one more result where what the source changed at last could not be saved. */
async function conclude(operation: Operation): Promise<{ done: true; value: undefined } | { done: false; value: OperationResult }> {
  const last = await operation.finishPart({ hasNext: false });
  operation.end();
  return last.errors ? { done: false, value: { data: null, errors: last.errors } } : DONE;
}

/** Of our errors the client is told by a last result, as when its session ends: some hosts do not outlive a source that throws. */
function fail(operation: Operation, error: unknown): { done: false; value: OperationResult } {
  operation.end();
  if (!isOurs(error)) throw error;
  return { done: false, value: { data: null, errors: [toGraphQLError(error)] } };
}
