import type { Handler } from '../program.js';
import { ModelCall } from './call.js';
import { Fail, failureOf } from './complaint.js';
import type { ModelRequest } from './request.js';
import type { Routine, Runtime, Steps } from './runtime.js';
import { type ModelPart, type Outcome, perform, wrong } from './steps.js';

export interface Handling {
  readonly runtime: Runtime;
  readonly who: string;
  readonly handler: Handler;
  readonly request: ModelRequest;
  /** Starts the calls behind the handler. */
  readonly passOn: ((call: ModelCall) => readonly Routine<unknown>[]) | undefined;
  /** Whether the head of the response leaves before those calls run. */
  readonly isStream: boolean;
  /** The status that the calls behind the handler were answered with. */
  readonly status: number | undefined;
}

const STATUS = { ok: 200, created: 201, refused: 403, unavailable: 503, throw: 500 } as const;

/** The answer to a request of Express. */
export interface Response {
  readonly status: number;
  /**
   * Whether it failed when the calls behind the handler had answered. Then their answer is not
   * sent.
   */
  readonly isLate: boolean;
}

/** Plays a request of Express. */
export function* runHandler(handling: Handling): Steps<Response> {
  const { runtime, who, handler, request } = handling;
  const call = new ModelCall(request, { parent: undefined, hasOutcome: true });
  yield { turn: who, at: 'begin' };
  call.load();
  const part = partOf(handling, call);
  const seen = runtime.take(who, 'begun');
  const id = part.handle?.session.id ?? null;
  if (seen['id'] !== id) throw wrong({ who }, 'begun', seen, `the session ${id}`);
  const outcome = yield* runBody(handler, part);
  const told = runtime.take(who, 'end');
  if (JSON.stringify(told) !== JSON.stringify(outcome)) throw wrong({ who }, 'end', told, JSON.stringify(outcome));
  const status = yield* respond(handling, call, outcome);
  if (status >= 500 || ('code' in outcome && handler.guarded)) {
    call.rollback();
    return { status, isLate: false };
  }
  try {
    yield* call.commit(false);
    return { status, isLate: false };
  } catch (error) {
    call.rollback();
    return { status: handler.guarded ? 400 : statusOf(failureOf(error)), isLate: true };
  }
}

function* runBody(handler: Handler, part: ModelPart): Steps<Outcome> {
  try {
    yield* perform(handler.body, 'body', part);
    if (handler.end === 'throw') throw new Fail('error');
    return { ok: true };
  } catch (error) {
    return { code: failureOf(error) };
  }
}

function* respond({ handler, passOn, isStream, status }: Handling, call: ModelCall, outcome: Outcome): Steps<number> {
  if ('code' in outcome) return handler.guarded ? 400 : statusOf(outcome.code);
  if (!passOn || handler.end !== 'ok') return STATUS[handler.end];
  if (isStream) {
    call.hasAnswered = true;
    call.request.isSealed = true;
  }
  yield { join: passOn(call) };
  return status ?? 500;
}

/** Express's answer to an error: its own status, if it has one. */
function statusOf(code: string): number {
  return ['UNAUTHENTICATED', 'SESSION_GONE', 'STEP_UP_REQUIRED'].includes(code) ? 401 : 500;
}

function partOf({ runtime, who, handler }: Handling, call: ModelCall): ModelPart {
  const start = () => {
    throw new Error('there is no tRPC here');
  };
  return { runtime, who, careful: handler.careful, call, handle: call.handle, start };
}
