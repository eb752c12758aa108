import type { GraphQLError, GraphQLFieldResolver } from 'graphql';
import { describeError } from '../core/logger.js';
import type { Call, CallOptions } from '../core/session/call.js';
import type { ResponseHeadPort } from '../core/session/response-port.js';
import type { Session } from '../core/types.js';
import type { Exchange } from '../http/errors.js';
import { toGraphQLError } from './errors.js';
import { type Definition, FieldOutcomes } from './field-outcomes.js';
import { failedPart, inResult, isStream, isSuccess } from './results.js';
import { NO_SHAPE, type OperationShape } from './shape.js';
import type { OperationResult, OperationResults } from './types.js';

/**
 * The key under which a context holds its operation. A symbol, because it is copied when the
 * context is spread into another.
 */
export const OPERATION: unique symbol = Symbol('token-sessions.operation');

/** The request or the call in which operations are opened. */
export interface Opener {
  open(options: Omit<CallOptions, 'parent'>): Call;
  readonly head: Pick<ResponseHeadPort, 'noStore'>;
}

/** How to open an operation. */
export interface OperationOptions {
  readonly opened: Opener;
  /** The plugin that opened the operation. It matters when the plugin is installed twice. */
  readonly plugin: object;
  /** The operation whose resolver runs this one. */
  readonly outer: Operation | undefined;
  /**
   * The HTTP exchange whose status and headers can be set. Only Yoga over HTTP has it: elsewhere
   * they would be sent as data.
   */
  readonly exchange: Exchange | undefined;
  /**
   * The longest time that the operation's write waits for the other operations of its batch, in
   * ms, so that they become one write.
   */
  readonly holdMs: number;
}

/** One GraphQL operation: its call, and the decision which of its changes are saved. */
export class Operation {
  readonly call: Call;
  readonly opened: Opener;
  readonly plugin: object;
  readonly exchange: Exchange | undefined;
  /** The resolver for fields that have none, if the executor received one. */
  fieldResolver: GraphQLFieldResolver<unknown, unknown> | undefined;
  /** Whether its resolvers have run. */
  isOver = false;
  readonly #holdMs: number;
  readonly #fields: FieldOutcomes;
  #shape: OperationShape = NO_SHAPE;
  #begun: Promise<Session<unknown> | null> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isExecuting = false;
  #streams = false;
  #hasLeft = false;

  constructor({ opened, plugin, outer, exchange, holdMs }: OperationOptions) {
    this.call = (outer?.call ?? opened).open({ hasOutcome: true });
    this.opened = opened;
    this.plugin = plugin;
    this.exchange = exchange;
    this.#holdMs = holdMs;
    this.#fields = new FieldOutcomes(this.call);
    if (holdMs > 0) this.call.joinBatch();
  }

  get hasBegun(): boolean {
    return this.#begun !== undefined;
  }

  get isExecuting(): boolean {
    return this.#isExecuting;
  }

  /** Loads the session. {@link assertLoaded} and {@link refusal} report a failure. */
  begin(): Promise<Session<unknown> | null> {
    this.#begun ??= this.#load();
    return this.#begun;
  }

  /** Called when the operation is about to run. */
  execute(shape: OperationShape, fieldResolver: GraphQLFieldResolver<unknown, unknown> | undefined): void {
    this.#isExecuting = true;
    this.#shape = shape;
    this.fieldResolver = fieldResolver;
    this.#fields.begin(shape);
    // A query or subscription may be repeated, even if a part of it has run.
    this.call.isAtStart = !shape.isMutation;
  }

  /**
   * Returns the function that must run the resolver of the field at this path of this definition.
   * `undefined` if the resolver can run directly.
   */
  runnerOf(
    path: readonly (string | number)[],
    definition: Definition,
  ): (<Result>(run: () => Result) => Result) | undefined {
    return this.#fields.runnerOf(path, definition);
  }

  /** @throws the error that prevented the load of the session */
  assertLoaded(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** The result that replaces the operation's own when its session could not be loaded. */
  get refusal(): OperationResult | undefined {
    return this.#failure && { data: null, errors: [toGraphQLError(this.#failure.error, this.exchange)] };
  }

  /** Saves the changes of the parts that succeeded. Resolves to the client's result. */
  async finish(result: OperationResult): Promise<OperationResult> {
    this.isOver = true;
    if (!isSuccess(result, this.#shape)) {
      if (this.call.isPending) await this.call.rollback();
      this.end();
      return this.#answer(result);
    }
    try {
      const { keep, succeeded } = this.#fields.outcomeOf(result);
      if (this.call.isPending) await this.call.commit(this.#holdMs, keep, succeeded);
      else this.end();
      return this.#answer(result);
    } catch (error) {
      return { data: null, errors: [toGraphQLError(error, this.exchange)] };
    }
  }

  /**
   * The `subscribe` function of a subscription has returned. If it has logged in, that takes
   * effect while the head of the answer can still carry the token. Without a stream it is undone.
   */
  async finishStart(result: OperationResults): Promise<OperationResults> {
    if (!this.call.hasLogin) return result;
    if (!isStream(result)) {
      await this.call.rollback();
      return result;
    }
    try {
      await this.call.commit();
      return result;
    } catch (error) {
      await result[Symbol.asyncIterator]().return?.();
      return { errors: [toGraphQLError(error, this.exchange)] };
    }
  }

  /**
   * The operation continues as a stream. Its results are finished one by one, and its batch no
   * longer waits for it.
   */
  detach(kind: 'events' | 'parts'): void {
    this.#streams = true;
    // A later result may carry a token. By then it is too late to forbid caching.
    if (this.exchange) this.opened.head.noStore();
    if (kind === 'events') this.call.stream();
    else this.call.leaveBatch();
  }

  /** Finishes one event of a subscription. More events may follow. */
  async finishEvent(result: OperationResult): Promise<OperationResult> {
    if (!isSuccess(result, this.#shape)) {
      this.call.discard();
      return inResult(result, this.#shape);
    }
    try {
      if (this.call.isDirty) await this.call.saveSoFar();
      return inResult(result, this.#shape);
    } catch (error) {
      this.call.discard();
      if (this.#hasLeft) this.#report(error);
      return failedPart(result, toGraphQLError(error));
    }
  }

  /**
   * The client has left a subscription. From now on, only the log can report a failure to save.
   */
  leave(): void {
    this.#hasLeft = true;
  }

  /**
   * Finishes one part of a result with `@defer` or `@stream`. Most of its changes are saved with
   * the last part.
   */
  async finishPart(result: OperationResult): Promise<OperationResult> {
    const isInitial = this.#fields.notePart(result);
    const part = await (isInitial ? this.#finishInitial(result) : inResult(result, this.#shape));
    if (result.hasNext !== false) return part;
    // Clients stop listening after this part, so it must contain a failure to save.
    const error = await this.finishParts();
    return error ? failedPart(part, error) : part;
  }

  async #finishInitial(result: OperationResult): Promise<OperationResult> {
    try {
      const outcome = this.#shape.isMutation ? this.#fields.initialOutcome() : undefined;
      if (outcome) await this.call.commitFields(outcome.keep, outcome.hasFailed);
      // The head leaves with this result, so later the token could not be sent.
      if (this.call.isLoggingIn && isSuccess(result, this.#shape))
        await this.call.commitLogin(this.#fields.loginOutcome());
      return inResult(result, this.#shape);
    } catch (error) {
      this.#fields.fail();
      return failedPart(result, toGraphQLError(error));
    }
  }

  /**
   * The last part has come. Saves the waiting changes if no part failed. Resolves to the error if
   * they cannot be saved.
   */
  async finishParts(): Promise<GraphQLError | undefined> {
    try {
      if (!this.call.isPending) this.end();
      else if (this.#fields.hasFailed && !this.#fields.canTell) await this.#dropAll();
      else await this.call.commit(0, this.#fields.finalOutcome());
      return undefined;
    } catch (error) {
      return toGraphQLError(error);
    }
  }

  /**
   * The client has left before the last part. The waiting changes are dropped, because a part that
   * still runs may fail.
   */
  async leaveParts(): Promise<void> {
    this.#fields.fail();
    if (this.call.isPending) await this.#dropAll();
    this.end();
  }

  /** Ends an operation that was refused, answered without running, or interrupted. */
  async abandon(): Promise<void> {
    if (this.#streams) return;
    if (this.call.isPending) await this.call.rollback();
    this.end();
  }

  /** Ends the operation, and drops unsaved changes. */
  end(): void {
    this.isOver = true;
    this.call.discard();
    this.call.end();
  }

  async #dropAll(): Promise<void> {
    this.#fields.warnDropped();
    await this.call.rollback();
  }

  #report(error: unknown): void {
    const { logger } = this.call.request.services.settings;
    logger?.error(`token-sessions: the changes of an operation could not be saved: ${describeError(error)}`);
  }

  #answer(result: OperationResult): OperationResult {
    return inResult(result, this.#shape, this.#fields.areSeveral ? this.#unrepeatable : this.exchange);
  }

  /** The exchange of a mutation that cannot be repeated, because other fields have run too. */
  get #unrepeatable(): Exchange | undefined {
    return this.exchange && { tokenSent: this.exchange.tokenSent, mayRepeat: false };
  }

  async #load(): Promise<Session<unknown> | null> {
    try {
      return await this.call.admit();
    } catch (error) {
      this.#failure = { error };
      return null;
    }
  }
}

/** The operation that a context belongs to. */
export function operationOf(context: unknown): Operation | undefined {
  if (typeof context !== 'object' || context === null || !(OPERATION in context)) return undefined;
  return context[OPERATION] instanceof Operation ? context[OPERATION] : undefined;
}
