import type { GraphQLError } from 'graphql';

/*
 * The hooks of Envelop and Yoga, as far as they are used here: described by their shape, so that the plugin's type fits both hosts
 * and needs neither to be installed.
 */

/** A part of a result that came later, by `@defer` or `@stream`. */
export interface LaterPart {
  readonly errors?: readonly GraphQLError[];
}

/** What an operation, or an event of a subscription, came to. */
export interface OperationResult {
  readonly data?: { readonly [field: string]: unknown } | null;
  readonly errors?: readonly GraphQLError[];
  readonly incremental?: readonly LaterPart[];
  readonly hasNext?: boolean;
}

export type OperationResults = OperationResult | AsyncIterable<OperationResult>;

export interface ContextPayload {
  readonly context: unknown;
  extendContext(extension: object): void;
}

export interface StartPayload extends ContextPayload {
  setResultAndStopExecution(result: OperationResult): void;
}

export interface ResultPayload {
  readonly result: OperationResults;
  setResult(result: OperationResults): void;
}

export interface ContextErrorPayload {
  readonly context: unknown;
  readonly error: unknown;
  setError(error: unknown): void;
}

/** A Fetch request or response, as far as it is looked at. */
export interface Message {
  readonly headers: Headers;
}

/** The plugin: a selection of the hooks of Yoga's and of Envelop's plugin types, assignable to both. */
export interface SessionPlugin {
  onPluginInit(payload: { registerContextErrorHandler(handler: (payload: ContextErrorPayload) => void): void }): void;
  onEnveloped(payload: ContextPayload): void;
  onParse(payload: { readonly context: unknown }): (after: { readonly result: unknown }) => void;
  onValidate(payload: { readonly context: unknown }): (after: { readonly valid: boolean }) => void;
  onContextBuilding(payload: ContextPayload): Promise<void>;
  onExecute(payload: StartPayload): Promise<{ onExecuteDone(payload: ResultPayload): Promise<void> } | undefined>;
  onSubscribe(payload: StartPayload): Promise<{ onSubscribeResult(payload: ResultPayload): void } | undefined>;
  /** Of Yoga alone, like those that follow. */
  onRequestParse(payload: { readonly request: Message; readonly serverContext: unknown }): {
    onRequestParseDone(payload: { readonly requestParserResult: unknown }): void;
  };
  onExecutionResult(payload: { readonly context: unknown }): void;
  onResponse(payload: { readonly request: Message; readonly response: Message; readonly serverContext: unknown }): void;
}
