import type { GraphQLError } from 'graphql';
import type { Exchange } from '../http/errors.js';
import { restate } from './errors.js';
import type { OperationShape } from './shape.js';
import type { IncrementalResults, LaterPart, OperationResult, OperationResults } from './types.js';

export function isStream(results: OperationResults | IncrementalResults): results is AsyncIterable<OperationResult> {
  return typeof results === 'object' && results !== null && Symbol.asyncIterator in results;
}

export function isIncremental(results: OperationResults | IncrementalResults): results is IncrementalResults {
  return typeof results === 'object' && results !== null && 'initialResult' in results;
}

/**
 * Whether an operation, or an event of a subscription, succeeded: nothing failed, or a root field
 * other than `__typename` came back. That one does not count, because any client can add it, and
 * caches do.
 */
export function isSuccess({ data, errors, hasNext }: OperationResult, shape: OperationShape): boolean {
  if (!data) return data === undefined && hasNext !== undefined;
  const failed = failedNames(errors);
  if (failed.size === 0) return true;
  const typeNames = shape.typeNames();
  return Object.entries(data).some(
    ([name, field]) => !typeNames.has(name) && (field !== null || !(failed.has(name) || failed.has(undefined))),
  );
}

/**
 * The names of the root fields that have errors. `undefined` stands for an error without a path.
 */
export function failedNames(errors: readonly GraphQLError[] | undefined): Set<string | number | undefined> {
  return new Set(errors?.map((error) => error.path?.[0]));
}

/**
 * The result with our errors in their form for clients. The response gets the status and challenge
 * of an error only if no other data came back. Otherwise Yoga would set them for the data of other
 * fields too.
 */
export function inResult(result: OperationResult, shape: OperationShape, exchange?: Exchange): OperationResult {
  const hasNothing = exchange !== undefined && !isSuccess(result, shape);
  return restated(result, hasNothing ? exchange : undefined);
}

/** The result with our errors in their form for clients, also those of later parts. */
export function restated(result: OperationResult, exchange?: Exchange): OperationResult {
  const { errors, incremental, completed } = result;
  if (!errors && !incremental && !completed) return result;
  return {
    ...result,
    ...(errors && { errors: errors.map((error) => restate(error, exchange)) }),
    ...(incremental && { incremental: incremental.map(restatedPart) }),
    ...(completed && { completed: completed.map(restatedPart) }),
  };
}

function restatedPart(part: LaterPart): LaterPart {
  return part.errors ? { ...part, errors: part.errors.map((error) => restate(error)) } : part;
}

/** A part of a stream whose changes could not be saved. */
export function failedPart(result: OperationResult, error: GraphQLError): OperationResult {
  const errors = [error];
  // In the format of graphql 17, the entry that completes a part holds its errors.
  if (result.completed?.length) return { ...result, completed: result.completed.map((part) => ({ ...part, errors })) };
  if (!result.incremental) return { ...result, data: null, errors };
  return { ...result, incremental: result.incremental.map((part) => ({ ...part, data: null, errors })) };
}
