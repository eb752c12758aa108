import type { GraphQLError } from 'graphql';

/** A part of a result that comes later, because of `@defer` or `@stream`. */
export interface LaterPart {
  readonly errors?: readonly GraphQLError[];
}

/** The result of an operation, or of an event of a subscription. */
export interface OperationResult {
  readonly data?: { readonly [field: string]: unknown } | null;
  readonly errors?: readonly GraphQLError[];
  readonly incremental?: readonly LaterPart[];
  /** Parts that have ended, in the format of graphql 17. */
  readonly completed?: readonly LaterPart[];
  readonly hasNext?: boolean;
}

/** How the executor of graphql 17 returns a result that comes in parts. */
export interface IncrementalResults {
  readonly initialResult: OperationResult;
  readonly subsequentResults: AsyncIterable<OperationResult>;
}

export type OperationResults = OperationResult | AsyncIterable<OperationResult>;
