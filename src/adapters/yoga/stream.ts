import { withoutStack } from '../../core/error.js';
import { describeError } from '../../core/logger.js';
import { type EndWatch, endingIterator } from '../../core/session/ending-iterator.js';
import type { Operation } from './call.js';
import { isOurs, toGraphQLError } from './errors.js';
import type { OperationResult } from './hooks.js';

/**
 * The results of a subscription or of `@defer`, with the operation's changes saved on the way. The
 * stream ends with one more result that says so when its session ends, unless the operation itself
 * ends it.
 *
 * Written by hand, since `return` of an async generator queues behind a pending `next`.
 */
export function savedStream(
  results: AsyncIterable<OperationResult>,
  operation: Operation,
  kind: 'events' | 'parts',
): AsyncIterableIterator<OperationResult> {
  operation.detach(kind);
  const source = endedBySession(results[Symbol.asyncIterator](), operation, kind);
  const finish = kind === 'events' ? finishEvents : finishParts;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => {
      const step = await source.next().catch((error: unknown) => fail(operation, error));
      if (step.done) return conclude(operation, finish);
      const value = await (kind === 'events' ? operation.finishEvent(step.value) : operation.finishPart(step.value));
      return { done: false, value };
    },
    return: async () => {
      await source.return?.();
      const { value } = await conclude(operation, finish);
      if (value) report(operation, value.errors?.[0]?.cause);
      return { done: true, value: undefined };
    },
    throw: async (error: unknown) => {
      await source.return?.();
      await operation.call.rollback();
      throw error;
    },
  };
}

function endedBySession(
  source: AsyncIterator<OperationResult, unknown>,
  { call }: Operation,
  kind: 'events' | 'parts',
): AsyncIterator<OperationResult, unknown> {
  if (!call.held) return source;
  const watch: EndWatch = (listener) => call.watchEnd(listener);
  // The parts of a result say whether more will come.
  const base = kind === 'parts' ? { hasNext: false } : {};
  return endingIterator(source, watch, (reason, resolve) => {
    resolve({ done: false, value: { ...base, data: null, errors: [withoutStack(() => toGraphQLError(reason))] } });
  });
}

type Step = { done: true; value: undefined } | { done: false; value: OperationResult };

const DONE = { done: true, value: undefined } as const;

/** The end of the stream; before it one more result if the last changes could not be saved. */
async function conclude(operation: Operation, finish: (operation: Operation) => Promise<OperationResult | undefined>): Promise<Step> {
  const last = await finish(operation);
  operation.end();
  return last?.errors ? { done: false, value: { data: null, errors: last.errors } } : DONE;
}

function finishEvents(operation: Operation): Promise<OperationResult | undefined> {
  return operation.finishEvent({ hasNext: false });
}

function finishParts(operation: Operation): Promise<OperationResult | undefined> {
  return operation.finishParts();
}

/** For a failure that no client can get any more. */
function report(operation: Operation, error: unknown): void {
  const { logger } = operation.call.request.services.settings;
  logger?.error(`token-sessions: the changes of an operation could not be saved: ${describeError(error)}`);
}

/** A client gets our errors as a last result, as when its session ends: some hosts do not outlive a source that throws. */
async function fail(operation: Operation, error: unknown): Promise<Step> {
  await operation.call.rollback();
  if (!isOurs(error)) throw error;
  return { done: false, value: { data: null, errors: [toGraphQLError(error)] } };
}
