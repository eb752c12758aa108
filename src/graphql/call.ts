import type { GraphQLError, GraphQLFieldResolver } from 'graphql';
import { describeError } from '../core/logger.js';
import type { Call, CallOptions } from '../core/session/call.js';
import type { ResponseHeadPort } from '../core/session/response-port.js';
import type { Session } from '../core/types.js';
import type { Exchange } from '../http/errors.js';
import { toGraphQLError } from './errors.js';
import { FieldOutcomes } from './field-outcomes.js';
import { failedPart, inResult, isSuccess } from './results.js';
import { NO_SHAPE, type OperationShape } from './shape.js';
import type { OperationResult } from './types.js';

/** Where a context holds its operation. A symbol goes along when the context is spread into another. */
export const OPERATION: unique symbol = Symbol('token-sessions.operation');

/** The request, or the call, that operations are opened in. */
export interface Opener {
  open(options: Omit<CallOptions, 'parent'>): Call;
  readonly head: Pick<ResponseHeadPort, 'noStore'>;
}

/** How an operation is opened. */
export interface OperationOptions {
  readonly opened: Opener;
  /** The plugin in charge, where it is installed twice. */
  readonly plugin: object;
  /** The operation whose resolver runs this one. */
  readonly outer: Operation | undefined;
  /** The HTTP exchange whose status and headers can be set; absent outside Yoga over HTTP, where they would be sent as data. */
  readonly exchange: Exchange | undefined;
  /** How long its write waits at most for the other operations of its batch, in ms, so that all of them make one. */
  readonly holdMs: number;
}

/** One GraphQL operation: its call, and what becomes of its changes. */
export class Operation {
  readonly call: Call;
  readonly opened: Opener;
  readonly plugin: object;
  readonly exchange: Exchange | undefined;
  /** The resolver of fields that have none, where the executor was given one. */
  fieldResolver: GraphQLFieldResolver<unknown, unknown> | undefined;
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

  /** Loads the session. A failure is kept for {@link assertLoaded} and {@link refusal}. */
  begin(): Promise<Session<unknown> | null> {
    this.#begun ??= this.#load();
    return this.#begun;
  }

  /** The operation is about to be executed. */
  execute(shape: OperationShape, fieldResolver: GraphQLFieldResolver<unknown, unknown> | undefined): void {
    this.#isExecuting = true;
    this.#shape = shape;
    this.fieldResolver = fieldResolver;
    this.#fields.begin(shape);
    // A query or subscription can be repeated, whatever ran of it.
    this.call.isAtStart = !shape.isMutation;
  }

  /** How the resolver of a field is run, by its path; `undefined` where nothing has to be known of it. */
  runnerOf(path: readonly (string | number)[]): (<Result>(run: () => Result) => Result) | undefined {
    return this.#fields.runnerOf(path);
  }

  /** @throws what kept the session from being loaded */
  assertLoaded(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** The result in place of the operation's own, where its session could not be loaded. */
  get refusal(): OperationResult | undefined {
    return this.#failure && { data: null, errors: [toGraphQLError(this.#failure.error, this.exchange)] };
  }

  /** Saves what the operation changed, by what succeeded. Resolves to the client's result. */
  async finish(result: OperationResult): Promise<OperationResult> {
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

  /** The operation goes on as a stream: its results are finished one by one, and its batch waits no longer. */
  detach(kind: 'events' | 'parts'): void {
    this.#streams = true;
    // A later result may carry a token, and then it is too late to say so.
    if (this.exchange) this.opened.head.noStore();
    if (kind === 'events') this.call.stream();
    else this.call.leaveBatch();
  }

  /** Finishes one event of a subscription, of which more may follow. */
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

  /** The client has left a subscription. What cannot be saved from now on, only the log can tell. */
  leave(): void {
    this.#hasLeft = true;
  }

  /** Finishes one part of a result with `@defer` or `@stream`. Most of what it changed waits for the last one. */
  async finishPart(result: OperationResult): Promise<OperationResult> {
    const isInitial = this.#fields.notePart(result);
    const part = await (isInitial && this.#shape.isMutation ? this.#finishInitial(result) : inResult(result, this.#shape));
    if (result.hasNext !== false) return part;
    // Clients stop listening after this part: a failure to save has to be in it.
    const error = await this.finishParts();
    return error ? failedPart(part, error) : part;
  }

  async #finishInitial(result: OperationResult): Promise<OperationResult> {
    try {
      const outcome = this.#fields.initialOutcome();
      if (outcome) await this.call.commitFields(outcome.keep, outcome.hasFailed);
      return inResult(result, this.#shape);
    } catch (error) {
      this.#fields.fail();
      return failedPart(result, toGraphQLError(error));
    }
  }

  /** The last part has come: saves what waited, if no part failed. Resolves to an error of that, if there is one. */
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

  /** The client has left before the last part: what waited is dropped, as a part that still runs may fail. */
  async leaveParts(): Promise<void> {
    this.#fields.fail();
    if (this.call.isPending) await this.#dropAll();
    this.end();
  }

  /** Ends an operation that was refused, was answered without being executed, or did not come to its end. */
  async abandon(): Promise<void> {
    if (this.#streams) return;
    if (this.call.isPending) await this.call.rollback();
    this.end();
  }

  /** Ends the operation. Changes that were not saved are dropped. */
  end(): void {
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

  /** The exchange of a mutation in which more ran than what was refused. */
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
