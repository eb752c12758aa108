import type { TRPCError } from '@trpc/server';
import { isObservable } from '@trpc/server/observable';
import type { RequestHandle, Unit } from '../../core/session/request-sessions.js';
import type { Session } from '../../core/types.js';
import { type CallFacts, factsOf, handleOf, type SessionsContext } from './context.js';
import { sessionFailure, translated } from './errors.js';
import { isAsyncIterable, ownedIterable, ownedObservable, type StreamOwner } from './stream.js';

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

/**
 * Runs the rest of a procedure in the unit of its call, with a draft of its own that is saved when the procedure succeeds: in the unit
 * that another guard of the same procedure opened, or in a new one.
 */
export async function runInUnit<Data, Input, Admitted, Result extends Outcome>(
  call: Call<Data, Input>,
  admit: Admission<Data, Input, Admitted>,
  next: (session: Admitted) => Promise<Result>,
): Promise<Result> {
  const handle = handleOf(call.ctx);
  const open = handle.unitOf(call.getRawInput);
  // A middleware in between may have ended the session, or logged in.
  if (open) return next(admit(handle.draftOf(open), handle));
  const unit = handle.enlist();
  try {
    await handle.lookUp();
  } catch (error) {
    handle.end(unit);
    throw sessionFailure(error);
  }
  unit.key = call.getRawInput;
  try {
    // Not waited for: a commit ends the unit by itself, however it ends.
    return finish(call, handle, unit, await next(admit(handle.draftOf(unit), handle)));
  } catch (error) {
    handle.end(unit);
    throw error;
  } finally {
    // A middleware before this one may call the procedure again.
    unit.key = undefined;
  }
}

/** Waits for nothing where nothing was changed, as with most calls. */
function finish<Data, Input, Result extends Outcome>(
  call: Call<Data, Input>,
  handle: RequestHandle<Data, Input>,
  unit: Unit<Data>,
  result: Result,
): Result | Promise<Result> {
  if (!result.ok) throw translated(result.error);
  const data = asOwnStream(call, handle, unit, result.data);
  if (data) return { ...result, data };
  if (unit.session?.isDirty) return saved(call, handle, unit, result);
  handle.end(unit);
  return result;
}

async function saved<Data, Input, Result>(
  call: Call<Data, Input>,
  handle: RequestHandle<Data, Input>,
  unit: Unit<Data>,
  result: Result,
): Promise<Result> {
  const facts = factsOf(handle);
  // A call that another one makes must not wait for its caller, which waits for it.
  await handle.commit(unit, isOfClient(call, facts) ? facts.holdMs : 0).catch(rethrowAsFailure);
  return result;
}

/** The body of a subscription or generator runs after its procedure has returned: what it changes is saved as it goes. */
function asOwnStream<Data, Input>(
  call: Call<Data, Input>,
  handle: RequestHandle<Data, Input>,
  unit: Unit<Data>,
  data: unknown,
): object | undefined {
  if (isAsyncIterable(data)) return ownedIterable(data, streamOwner(call, handle, unit));
  return call.type === 'subscription' && isObservable(data) ? ownedObservable(data, streamOwner(call, handle, unit)) : undefined;
}

function streamOwner<Data, Input>(call: Call<Data, Input>, handle: RequestHandle<Data, Input>, unit: Unit<Data>): StreamOwner {
  handle.detach(unit);
  const isResponse = isOfClient(call, factsOf(handle)) ?? call.type === 'subscription';
  return {
    onEnd: unit.session?.onEnd,
    // Nothing of the body runs before; where it is the response, its head has been sent by then.
    start: () => {
      if (isResponse) handle.sealResponse();
    },
    save: () => (unit.session?.isDirty ? unit.session.autosave().catch(rethrowAsFailure) : undefined),
    end: () => handle.end(unit),
  };
}

/** Whether the client itself made the call; unknown where it is not known what it called. */
function isOfClient<Data, Input>({ getRawInput }: Call<Data, Input>, { calls }: CallFacts): boolean | undefined {
  return calls?.some((each) => each.getRawInput === getRawInput);
}

function rethrowAsFailure(error: unknown): never {
  throw sessionFailure(error);
}
