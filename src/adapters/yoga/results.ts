import type { GraphQLError } from 'graphql';
import { type Exchange, restate } from './errors.js';
import type { OperationResult, OperationResults } from './hooks.js';

export function isStream(results: OperationResults): results is AsyncIterable<OperationResult> {
  return typeof results === 'object' && results !== null && Symbol.asyncIterator in results;
}

/**
 * Whether the operation, or the part of a stream, succeeded: something came back. Later parts of `@defer` have no data of their own.
 * Where each field of the root is null for an error of its own nothing did, as where the data is null.
 */
export function isSuccess({ data, errors, hasNext }: OperationResult): boolean {
  if (!data) return data === undefined && hasNext !== undefined;
  const failed = new Set(errors?.map((error) => error.path?.[0]));
  return failed.size === 0 || Object.entries(data).some(([name, field]) => field !== null || !failed.has(name));
}

/**
 * The result with our errors as clients are to see them. The status and challenge of an error go to the response as a whole only
 * where nothing else came back: Yoga would also set them beside the data of other fields.
 */
export function inResult(result: OperationResult, exchange?: Exchange): OperationResult {
  const errors = result.errors?.map((error) => restate(error, isSuccess(result) ? undefined : exchange));
  const incremental = result.incremental?.map((part) =>
    part.errors ? { ...part, errors: part.errors.map((each) => restate(each)) } : part,
  );
  return { ...result, ...(errors && { errors }), ...(incremental && { incremental }) };
}

/** A part of a stream whose changes could not be saved. */
export function failedPart(result: OperationResult, error: GraphQLError): OperationResult {
  if (!result.incremental) return { ...result, data: null, errors: [error] };
  return { ...result, incremental: result.incremental.map((part) => ({ ...part, data: null, errors: [error] })) };
}
