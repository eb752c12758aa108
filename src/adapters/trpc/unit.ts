import type { TRPCError } from '@trpc/server';
import { isObservable } from '@trpc/server/observable';
import type { RequestHandle, Unit } from '../../core/request-sessions.js';
import type { Session } from '../../core/types.js';
import { type CallFacts, type Contexts, handleOf, type SessionsContext } from './context.js';
import { sessionFailure, translated } from './errors.js';
import { isAsyncIterable, ownedIterable, ownedObservable, type StreamOwner } from './streams.js';

/** A call of a procedure, as its middlewares are given it. */
export interface Call<Data, Input> {
  readonly ctx: SessionsContext<Data, Input>;
  readonly type: string;
  /** A function of this call alone: what tells it from the others. */
  readonly getRawInput: () => Promise<unknown>;
}

/** What the rest of a procedure came to. */
type Outcome = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: TRPCError };

/** Lets a session in, perhaps none, as what the procedure gets to see; or throws a `TRPCError`. */
export type Admission<Data, Input, Admitted> = (session: Session<Data> | null, handle: RequestHandle<Data, Input>) => Admitted;

interface OpenUnit<Data, Input> {
  readonly handle: RequestHandle<Data, Input>;
  readonly unit: Unit<Data>;
}

/** Runs procedures as units: each with a draft of its own, which is saved when the procedure succeeds. */
export class Units<Data, Input> {
  readonly #contexts: Contexts<Data, Input>;
  readonly #open = new WeakMap<object, OpenUnit<Data, Input>>();

  constructor(contexts: Contexts<Data, Input>) {
    this.#contexts = contexts;
  }

  /** Runs the rest of a procedure in the unit of its call: the one that another guard of the same procedure opened, or a new one. */
  async run<Admitted, Result extends Outcome>(
    call: Call<Data, Input>,
    admit: Admission<Data, Input, Admitted>,
    next: (session: Admitted) => Promise<Result>,
  ): Promise<Result> {
    const handle = handleOf(call.ctx);
    const open = this.#open.get(call.getRawInput);
    // A middleware in between may have ended the session, or logged in.
    if (open?.handle === handle) return next(admit(handle.draftOf(open.unit), handle));
    const unit = await handle.begin().catch(rethrowAsFailure);
    this.#open.set(call.getRawInput, { handle, unit });
    try {
      const result = await next(admit(unit.session, handle));
      return await this.#finish(call, { handle, unit }, result);
    } catch (error) {
      handle.end(unit);
      throw error;
    } finally {
      // A middleware before this one may call the procedure again.
      this.#open.delete(call.getRawInput);
    }
  }

  async #finish<Result extends Outcome>(call: Call<Data, Input>, open: OpenUnit<Data, Input>, result: Result): Promise<Result> {
    const { handle, unit } = open;
    if (!result.ok) throw translated(result.error);
    const facts = this.#contexts.factsOf(handle);
    const data = asOwnStream(call.type, result.data, () => streamOwner(call, open, facts));
    if (data) return { ...result, data };
    // A call that another one makes must not wait for its caller, which waits for it.
    await handle.commit(unit, facts.calls?.has(call.getRawInput) ? facts.holdMs : 0).catch(rethrowAsFailure);
    return result;
  }
}

/** The body of a subscription or generator runs after its procedure has returned: what it changes is saved as it goes. */
function asOwnStream(type: string, data: unknown, owner: () => StreamOwner): object | undefined {
  if (isAsyncIterable(data)) return ownedIterable(data, owner());
  return type === 'subscription' && isObservable(data) ? ownedObservable(data, owner()) : undefined;
}

function streamOwner<Data, Input>(call: Call<Data, Input>, { handle, unit }: OpenUnit<Data, Input>, facts: CallFacts): StreamOwner {
  handle.detach(unit);
  const isResponse = facts.calls?.has(call.getRawInput) ?? call.type === 'subscription';
  return {
    signal: unit.session?.signal,
    // Nothing of the body runs before; where it is the response, its head has been sent by then.
    start: () => {
      if (isResponse) handle.sealResponse();
    },
    save: async () => {
      if (unit.session?.isDirty) await unit.session.autosave().catch(rethrowAsFailure);
    },
    end: () => handle.end(unit),
  };
}

function rethrowAsFailure(error: unknown): never {
  throw sessionFailure(error);
}
