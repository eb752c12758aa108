import type { GraphQLError } from 'graphql';
import { withoutStack } from '../core/error.js';
import { type EndWatch, endingIterator } from '../core/session/ending-iterator.js';
import type { Operation } from './call.js';
import { isOurs, toGraphQLError } from './errors.js';
import type { IncrementalResults, OperationResult } from './types.js';

/**
 * The results of a subscription or of `@defer`. It saves the operation's changes on the way. When
 * the session ends, the stream ends with one more result that contains the error, unless the
 * operation itself ended the session.
 *
 * Written by hand, because `return` of an async generator queues behind a pending `next`.
 */
export function savedStream(
  results: AsyncIterable<OperationResult>,
  operation: Operation,
  kind: 'events' | 'parts',
): AsyncIterableIterator<OperationResult> {
  operation.detach(kind);
  const source = endedBySession(results[Symbol.asyncIterator](), operation, kind);
  const running = new Set<Promise<unknown>>();

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      const step = finishedStep(source, operation, kind);
      const over = () => running.delete(step);
      running.add(step);
      step.then(over, over);
      return step;
    },
    return: async () => {
      operation.leave();
      await source.return?.();
      // An event that is still being finished decides for itself first, because it may fail.
      if (kind === 'parts') return leave(operation, kind).then(() => DONE);
      const left = Promise.allSettled(running).then(() => leave(operation, kind));
      if (running.size === 0) await left;
      return DONE;
    },
    throw: async (error: unknown) => {
      await source.return?.();
      await operation.call.rollback();
      throw error;
    },
  };
}

/**
 * The parts of an answer, before its head leaves. If the operation has logged in, the first part
 * is finished now, so that the head carries the token. From then on, nothing can be written. It is
 * also finished now if it may have changes to save, because a host asks for no part when the
 * client has left.
 */
export async function savedParts(
  results: AsyncIterable<OperationResult>,
  operation: Operation,
): Promise<AsyncIterableIterator<OperationResult>> {
  const { call } = operation;
  const source = results[Symbol.asyncIterator]();
  const parts = savedStream({ [Symbol.asyncIterator]: () => source }, operation, 'parts');
  // Read from the source, because the parts watch the session from their first `next` on.
  let first = call.isLoggingIn || call.isDirty ? await finishedStep(source, operation, 'parts') : undefined;
  if (operation.exchange) call.seal();
  const { next } = parts;
  parts.next = async () => {
    const step = first ?? (await next());
    first = undefined;
    return step;
  };
  return parts;
}

/** {@link savedStream} for executors that return the first part apart from the others. */
export async function savedIncremental(
  results: IncrementalResults,
  operation: Operation,
): Promise<IncrementalResults & { readonly subsequentResults: AsyncIterableIterator<OperationResult> }> {
  const subsequentResults = savedStream(results.subsequentResults, operation, 'parts');
  return { ...results, initialResult: await operation.finishPart(results.initialResult), subsequentResults };
}

function endedBySession(
  source: AsyncIterator<OperationResult, unknown>,
  { call }: Operation,
  kind: 'events' | 'parts',
): AsyncIterator<OperationResult, unknown> {
  if (!call.held) return source;
  const watch: EndWatch = (listener) => call.watchEnd(listener);
  // Each part of a result says whether more parts will come.
  const base = kind === 'parts' ? { hasNext: false } : {};
  return endingIterator(source, watch, (reason, resolve) => {
    resolve({ done: false, value: { ...base, data: null, errors: [withoutStack(() => toGraphQLError(reason))] } });
  });
}

type Step = { done: true; value: undefined } | { done: false; value: OperationResult };

const DONE = { done: true, value: undefined } as const;

/** The next result of `source`, with its changes saved. */
async function finishedStep(
  source: AsyncIterator<OperationResult, unknown>,
  operation: Operation,
  kind: 'events' | 'parts',
): Promise<Step> {
  const step = await source.next().catch((error: unknown) => fail(operation, error));
  if (step.done) return conclude(operation, kind);
  const value = await (kind === 'events' ? operation.finishEvent(step.value) : operation.finishPart(step.value));
  return { done: false, value };
}

/**
 * Ends the stream. If the last changes could not be saved, one more result comes before the end.
 */
async function conclude(operation: Operation, kind: 'events' | 'parts'): Promise<Step> {
  const error = await (kind === 'events' ? finishEvents(operation) : operation.finishParts());
  operation.end();
  return error ? { done: false, value: { data: null, errors: [error] } } : DONE;
}

/** The client has left. Saves the changes that the body of a subscription made at its end. */
async function leave(operation: Operation, kind: 'events' | 'parts'): Promise<void> {
  if (kind === 'parts') return operation.leaveParts();
  await finishEvents(operation);
  operation.end();
}

async function finishEvents(operation: Operation): Promise<GraphQLError | undefined> {
  const { errors } = await operation.finishEvent({ hasNext: false });
  return errors?.[0];
}

/**
 * Gives the client an error of ours as a last result, as when its session ends. Some hosts do not
 * survive a source that throws.
 */
async function fail(operation: Operation, error: unknown): Promise<Step> {
  await operation.call.rollback();
  if (!isOurs(error)) throw error;
  return { done: false, value: { data: null, errors: [toGraphQLError(error)] } };
}
