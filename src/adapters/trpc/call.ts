import type { TRPCError } from '@trpc/server';
import { isObservable } from '@trpc/server/observable';
import type { Call } from '../../core/session/call.js';
import type { RequestSessions, Session } from '../../core/types.js';
import { sessionsOf } from '../../http/context.js';
import { type Host, ownCallOf } from '../../http/host.js';
import { field } from '../../http/hosts.js';
import { batchOf, type SessionsContext, sealBody } from './context.js';
import { sessionFailure, translated } from './errors.js';
import { isAsyncIterable, isGenerator, ownedIterable, ownedObservable, type StreamOwner } from './stream.js';

/** A procedure call, in the form that middlewares get. */
export interface ProcedureCall<Data, Input> {
  readonly ctx: SessionsContext<Data, Input>;
  readonly type: string;
  readonly path: string;
  /** tRPC's servers pass it. Server-side callers have none, unless the application passes it. */
  readonly signal: AbortSignal | undefined;
  /** Belongs to this call alone. All guards of a procedure get the same function. */
  readonly getRawInput: () => Promise<unknown>;
}

/** The outcome of the rest of a procedure. */
type Outcome = { readonly ok: true; readonly data: unknown } | { readonly ok: false; readonly error: TRPCError };

/** Returns the session in its form for the procedure, perhaps `null`, or throws a `TRPCError`. */
export type Admission<Admitted> = (session: Session<unknown> | null, call: Call) => Admitted;

/** Runs the rest of a procedure with the additions of its guard to the context. */
type Next<Data, Input, Admitted, Result> = (
  session: Admitted,
  sessions: RequestSessions<Data, Input>,
) => Promise<Result>;

/**
 * Runs the rest of a procedure in a call of its own. Its draft is saved when the procedure
 * succeeds. A second guard of the same procedure uses the same call.
 */
export async function runInCall<Data, Input, Admitted, Result extends Outcome>(
  procedure: ProcedureCall<Data, Input>,
  host: Host,
  admit: Admission<Admitted>,
  next: Next<Data, Input, Admitted, Result>,
): Promise<Result> {
  const around = enclosingCall(procedure, host);
  if (around.key === procedure.getRawInput)
    return next(admit(around.liveSession, around), sessionsOf<Data, Input>(around));
  const call = begin(procedure, around);
  try {
    const session = admit(await call.admit(sessionFailure), call);
    const result = await call.start(() => next(session, sessionsOf<Data, Input>(call)));
    if (!result.ok) throw translated(result.error);
    // Most calls change nothing. Then this does not wait.
    return finish(procedure, call, result, result.data);
  } catch (error) {
    if (call.isPending) await call.rollback();
    call.end();
    throw error;
  }
}

/** The call that the context belongs to. @throws `INTERNAL_SERVER_ERROR` if it is not ours */
function enclosingCall<Data, Input>({ ctx }: ProcedureCall<Data, Input>, host: Host): Call {
  try {
    return ownCallOf(field(ctx, 'sessions'), host);
  } catch (error) {
    throw sessionFailure(error);
  }
}

function begin<Data, Input>(procedure: ProcedureCall<Data, Input>, around: Call): Call {
  const { holdMs } = batchOf(around);
  const isNested = isInAnother(procedure, around);
  // When a server-side caller of an unguarded context logs in, that context gets the session.
  const call = around.open({ hasOutcome: true, key: procedure.getRawInput, sharesLogin: isNested });
  // A call that another call makes must not hold up the batch: its caller waits for it.
  if (!isNested && holdMs > 0) call.joinBatch();
  return call;
}

/** Whether code of the server has called a procedure, not the client. */
function isInAnother<Data, Input>(procedure: ProcedureCall<Data, Input>, around: Call): boolean {
  if (around.key !== undefined) return true;
  return !(isOfClient(procedure, around) ?? (procedure.signal !== undefined || around.request.persistent));
}

function finish<Data, Input, Result extends Outcome>(
  procedure: ProcedureCall<Data, Input>,
  call: Call,
  result: Result,
  value: unknown,
): Result | Promise<Result> {
  if (!call.isPending) return completed(procedure, call, result, value);
  const holdMs = call.sharesLogin ? 0 : batchOf(call).holdMs;
  return call.commit(holdMs).then(() => completed(procedure, call, result, value), rethrowAsFailure);
}

function completed<Data, Input, Result extends Outcome>(
  procedure: ProcedureCall<Data, Input>,
  call: Call,
  result: Result,
  value: unknown,
): Result {
  const data = asOwnStream(procedure, call, value);
  if (!data) call.end();
  return data ? { ...result, data } : result;
}

/**
 * Wraps the stream of a subscription or generator. Its body runs after the procedure has returned,
 * so its changes are saved as it goes.
 */
function asOwnStream<Data, Input>(
  procedure: ProcedureCall<Data, Input>,
  call: Call,
  data: unknown,
): object | undefined {
  const isSubscription = procedure.type === 'subscription';
  if (isSubscription && isObservable(data)) return ownedObservable(data, streamOwner(procedure, call));
  // Other iterables, such as a Readable or a cursor, stay as they are.
  if (isAsyncIterable(data) && (isSubscription || isGenerator(data)))
    return ownedIterable(data, streamOwner(procedure, call));
  return undefined;
}

function streamOwner<Data, Input>(procedure: ProcedureCall<Data, Input>, call: Call): StreamOwner {
  call.stream();
  const isResponse = isOfClient(procedure, call) ?? procedure.type === 'subscription';
  return {
    onEnd: call.held ? (listener) => call.watchEnd(listener) : undefined,
    // The body has not run before. If it is the response, its head has left by now.
    start: () => {
      if (isResponse) sealBody(call);
    },
    save: () => (call.isDirty ? call.saveSoFar().catch(rethrowAsFailure) : undefined),
    end: () => {
      call.discard();
      call.end();
    },
  };
}

/**
 * Whether the client itself made the call. `undefined` if the client's calls are not known. A
 * middleware may have replaced the raw input. Then the path and the signal show it.
 */
function isOfClient<Data, Input>(
  { getRawInput, path, signal }: ProcedureCall<Data, Input>,
  call: Call,
): boolean | undefined {
  const { clientCalls } = batchOf(call);
  return clientCalls && (clientCalls.has(getRawInput) || (signal !== undefined && clientCalls.has(path)));
}

function rethrowAsFailure(error: unknown): never {
  throw sessionFailure(error);
}
