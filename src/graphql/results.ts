import type { GraphQLError } from 'graphql';
import type { Exchange } from '../http/errors.js';
import { restate } from './errors.js';
import type { OperationShape } from './shape.js';
import type { OperationResult, OperationResults } from './types.js';

export function isStream(results: OperationResults): results is AsyncIterable<OperationResult> {
  return typeof results === 'object' && results !== null && Symbol.asyncIterator in results;
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
  if (!result.errors && !result.incremental) return result;
  const hasNothing = exchange !== undefined && !isSuccess(result, shape);
  const errors = result.errors?.map((error) => restate(error, hasNothing ? exchange : undefined));
  const incremental = result.incremental?.map((part) =>
    part.errors ? { ...part, errors: part.errors.map((each) => restate(each)) } : part,
  );
  return { ...result, ...(errors && { errors }), ...(incremental && { incremental }) };
}

/** A part of a stream whose changes could not be saved. */
export function failedPart(result: OperationResult, error: GraphQLError): OperationResult {
  const errors = [error];
  // In the format of graphql 17, the entry that completes a part holds its errors.
  if (result.completed?.length) return { ...result, completed: result.completed.map((part) => ({ ...part, errors })) };
  if (!result.incremental) return { ...result, data: null, errors };
  return { ...result, incremental: result.incremental.map((part) => ({ ...part, data: null, errors })) };
}
