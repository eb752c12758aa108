import type { DocumentNode, GraphQLFieldResolver, GraphQLSchema } from 'graphql';
import type { IncrementalResults, OperationResult, OperationResults } from '../../graphql/types.js';

/*
 * The hooks of Envelop and Yoga that the plugin uses. They are described by their shape, so that
 * the plugin's type fits both hosts, and neither must be installed.
 */

export interface ContextPayload {
  readonly context: unknown;
  extendContext(extension: object): void;
}

/** The arguments of an executor that the plugin uses. */
export interface ExecutionArguments {
  readonly schema?: GraphQLSchema;
  readonly document?: DocumentNode;
  readonly operationName?: string | null | undefined;
  readonly fieldResolver?: GraphQLFieldResolver<unknown, unknown> | null | undefined;
}

export interface StartPayload extends ContextPayload {
  readonly args?: ExecutionArguments;
  setResultAndStopExecution(result: OperationResult): void;
}

/** Executes an operation. */
export type Executor = (args: ExecutionArguments) => unknown;

export interface ExecutePayload extends StartPayload {
  executeFn?(args: ExecutionArguments): unknown;
  setExecuteFn?(run: Executor): void;
}

export interface SubscribePayload extends StartPayload {
  subscribeFn?(args: ExecutionArguments): unknown;
  setSubscribeFn?(run: Executor): void;
}

/** The results of an executor of queries and mutations. */
export type ExecutionResults = OperationResults | IncrementalResults;

export interface ResultPayload<Results = OperationResults> {
  readonly result: Results;
  setResult(result: Results): void;
}

export interface ContextErrorPayload {
  readonly context: unknown;
  readonly error: unknown;
  setError(error: unknown): void;
}

/** The part of a Fetch request or response that the plugin uses. */
export interface Message {
  readonly headers: Headers;
}

/** A response of Yoga, and its request. */
export interface Answer {
  readonly request: Message;
  readonly response: Response;
  setResponse?(response: Response): void;
}

/** The plugin. Its hooks are a selection that fits the plugin types of both Yoga and Envelop. */
export interface SessionPlugin {
  /** Turns errors of the context into answers, and adds the last plugin of all. */
  onPluginInit(payload: {
    registerContextErrorHandler(handler: (payload: ContextErrorPayload) => void): void;
    readonly plugins: { push(plugin: object): unknown };
  }): void;
  /** Watches the root fields of mutations. */
  onSchemaChange(payload: { readonly schema: GraphQLSchema }): void;
  /** Puts `sessions` on the context, before your `context()` runs. */
  onEnveloped(payload: ContextPayload): void;
  /** Notes an operation that cannot be parsed: it runs no resolver. */
  onParse(payload: { readonly context: unknown }): (after: { readonly result: unknown }) => void;
  /** Notes an operation that is not valid: it runs no resolver. */
  onValidate(payload: { readonly context: unknown }): (after: { readonly valid: boolean }) => void;
  /** Loads the session. */
  onContextBuilding(payload: ContextPayload): Promise<void>;
  /** Saves or drops what the operation changed. */
  onExecute(
    payload: ExecutePayload,
  ): Promise<{ onExecuteDone(payload: ResultPayload<ExecutionResults>): Promise<void> } | undefined>;
  /** Saves after each event, and ends the stream with its session. */
  onSubscribe(payload: SubscribePayload): Promise<{ onSubscribeResult(payload: ResultPayload): void } | undefined>;
  /** Only Yoga calls this hook and those that follow. */
  onRequestParse(payload: { readonly request: Message; readonly serverContext: unknown }): {
    onRequestParseDone(payload: { readonly requestParserResult: unknown }): void;
  };
  /** Waits for the writes of a batch. */
  onExecutionResult(payload: { readonly context: unknown }): Promise<void> | undefined;
  /** Puts the library's headers on the response. */
  onResponse(payload: Answer & { readonly serverContext: unknown }): void;
}
