import type { EndWatch } from '../../core/session/ending-iterator.js';
import type { RequestHandle, Unit } from '../../core/session/request-sessions.js';
import type { Session, SessionContext } from '../../core/types.js';
import { type Exchange, toGraphQLError } from './errors.js';
import type { OperationResult } from './hooks.js';
import { failedPart, inResult, isSuccess } from './results.js';

/** Where a context holds its operation. A symbol goes along when the context is spread into another. */
export const OPERATION: unique symbol = Symbol('token-sessions.operation');

/** The context that resolvers are given. */
export interface OperationContext<Data, Input = Data> extends SessionContext<Data, Input> {
  readonly [OPERATION]?: Operation<Data, Input>;
}

/** What is known of an operation's surroundings. */
export interface Surroundings {
  /** The HTTP exchange whose status and headers can be set; absent outside Yoga over HTTP, where they would be sent as data. */
  readonly exchange?: Exchange | undefined;
  /** How long its write waits at most for the other operations of its batch, in ms, so that all of them make one. */
  readonly holdMs?: number | undefined;
}

/** One GraphQL operation: the draft that its resolvers change, and what becomes of it. */
export class Operation<Data = unknown, Input = unknown> {
  readonly handle: RequestHandle<Data, Input>;
  readonly exchange: Exchange | undefined;
  readonly #holdMs: number;
  /** Known to the handle from the start: an operation of a batch may begin when another is done, as the application's `context()` takes its time. */
  readonly #unit: Unit<Data>;
  #begun: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #streams = false;

  constructor(handle: RequestHandle<Data, Input>, { exchange, holdMs = 0 }: Surroundings) {
    this.handle = handle;
    this.exchange = exchange;
    this.#holdMs = holdMs;
    this.#unit = handle.enlist();
  }

  /** Loads the session, and tells whether it was this call that did. A failure is kept for {@link assertLoaded} and {@link refusal}. */
  async begin(): Promise<boolean> {
    const first = !this.#begun;
    this.#begun ??= this.#load();
    await this.#begun;
    return first;
  }

  /** The draft of the session that the request has now: after a login in an earlier field, of the new one. */
  get session(): Session<Data> | null {
    return this.handle.draftOf(this.#unit);
  }

  /** Tells of the end of the session that the operation began with; absent for an anonymous one. */
  get onEnd(): EndWatch | undefined {
    return this.#unit.session?.onEnd;
  }

  /** @throws what kept the session from being loaded */
  assertLoaded(): void {
    if (this.#failure) throw this.#failure.error;
  }

  /** The result in place of the operation's own, where its session could not be loaded. */
  get refusal(): OperationResult | undefined {
    return this.#failure && { data: null, errors: [toGraphQLError(this.#failure.error, this.exchange)] };
  }

  /** Saves what the operation changed if it succeeded, and drops it otherwise. Resolves to what the client is told. */
  async finish(result: OperationResult): Promise<OperationResult> {
    if (!isSuccess(result)) {
      this.end();
      return inResult(result, this.exchange);
    }
    try {
      await this.handle.commit(this.#unit, this.#holdMs);
      return inResult(result, this.exchange);
    } catch (error) {
      return { data: null, errors: [toGraphQLError(error, this.exchange)] };
    }
  }

  /** The operation goes on as a stream: its results are finished one by one, and nobody waits for it. */
  detach(): void {
    this.#streams = true;
    // A later result may carry a token, and then it is too late to say so.
    if (this.exchange) this.handle.responseHeaders.set('cache-control', 'no-store');
    this.handle.detach(this.#unit);
  }

  /** {@link finish} for one result of a stream, of which more may follow. */
  async finishPart(result: OperationResult): Promise<OperationResult> {
    const { session } = this.#unit;
    if (!isSuccess(result)) {
      session?.discard();
      return inResult(result);
    }
    try {
      if (session?.isDirty) await session.autosave();
      return inResult(result);
    } catch (error) {
      session?.discard();
      return failedPart(result, toGraphQLError(error));
    }
  }

  /** Ends an operation that came to a result without being executed, or without coming to its end. */
  abandon(): void {
    if (!this.#streams) this.end();
  }

  /** Ends the operation. What it changed and was not saved is dropped. */
  end(): void {
    this.#unit.session?.discard();
    this.handle.end(this.#unit);
  }

  async #load(): Promise<void> {
    try {
      await this.handle.begin(this.#unit);
    } catch (error) {
      this.#failure = { error };
    }
  }
}

/** The operation that a context belongs to. */
export function operationOf(context: unknown): Operation | undefined {
  if (typeof context !== 'object' || context === null || !(OPERATION in context)) return undefined;
  return context[OPERATION] instanceof Operation ? context[OPERATION] : undefined;
}
