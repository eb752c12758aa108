import type { Procedure } from '../program.js';
import { ModelCall } from './call.js';
import { Fail, failureOf } from './complaint.js';
import type { Pause, Runtime, Steps } from './runtime.js';
import { live, type ModelPart, type Outcome, perform, wrong } from './steps.js';
import type { Handle } from './store.js';

/** The context that a procedure is called with. */
interface Context {
  readonly call: ModelCall;
  /** The value that a guard has put there. */
  readonly handle: Handle | null;
}

/** A procedure that the client called, or a server-side caller. */
export interface Invocation {
  readonly runtime: Runtime;
  readonly who: string;
  readonly procedure: Procedure;
  readonly context: Context;
  /** Whether the client called it. */
  readonly isOfClient: boolean;
  /** Whether its write waits for those of its neighbours. */
  readonly holds: boolean;
}

type Rest = (context: Context) => Generator<Pause, void, void>;

/** Plays a procedure. Answers what it came to. */
export function* runProcedure(invocation: Invocation): Steps<Outcome> {
  const { who, procedure, context } = invocation;
  const key = {};
  const part = partOf(invocation, context);
  let outcome: Outcome;
  try {
    yield { turn: who, at: 'begin' };
    yield* perform(procedure.before, 'before', part);
    const rest: Rest = (passed) => inner(invocation, passed, key);
    const passing = () => attempt(() => guarded(invocation, context, key, procedure.first, 'first', rest));
    outcome = yield* passThrough(invocation, passing, procedure.again === 'first');
    yield* perform(procedure.after, 'after', part);
    if (procedure.failing === 'after') throw new Fail('error');
  } catch (error) {
    outcome = { code: failureOf(error) };
  }
  expectOutcome(invocation, 'end', outcome);
  return outcome;
}

function* inner(invocation: Invocation, context: Context, key: object): Generator<Pause, void, void> {
  const { procedure } = invocation;
  const part = partOf(invocation, context);
  const body: Rest = (passed) => runBody(invocation, passed);
  yield* perform(procedure.middle, 'middle', part);
  const passing = () => attempt(() => guarded(invocation, context, key, procedure.second, 'second', body));
  const outcome = yield* passThrough(invocation, passing, procedure.again === 'second');
  yield* perform(procedure.late, 'late', part);
  if (procedure.failing === 'late') throw new Fail('error');
  if ('code' in outcome) throw new Fail(outcome.code);
}

function* runBody(invocation: Invocation, context: Context): Generator<Pause, void, void> {
  const { procedure } = invocation;
  yield* perform(procedure.body, 'body', partOf(invocation, context));
  if (procedure.end !== 'ok') throw new Fail('error');
}

/** Runs the rest of a procedure, perhaps twice, and compares what it came to. */
function* passThrough(
  invocation: Invocation,
  pass: () => Generator<Pause, Outcome, void>,
  isTwice: boolean,
): Generator<Pause, Outcome, void> {
  if (isTwice) expectOutcome(invocation, 'passed', yield* pass());
  const outcome = yield* pass();
  expectOutcome(invocation, 'passed', outcome);
  return outcome;
}

function* attempt(run: () => Generator<Pause, void, void>): Generator<Pause, Outcome, void> {
  try {
    yield* run();
    return { ok: true };
  } catch (error) {
    return { code: failureOf(error) };
  }
}

/** A guard and the rest behind it. */
function* guarded(
  invocation: Invocation,
  context: Context,
  key: object,
  guard: Procedure['first'],
  at: string,
  rest: Rest,
): Generator<Pause, void, void> {
  if (guard === 'none') {
    expectSession(invocation, at, context.handle);
    return yield* rest(context);
  }
  if (context.call.key === key) {
    const handle = admit(invocation, stillLive(context.call), guard, at);
    return yield* rest({ call: context.call, handle });
  }
  const call = open(invocation, context.call, key);
  let isCounting = !call.sharesLogin;
  const leave = () => {
    if (isCounting) call.request.hold.leave();
    isCounting = false;
  };
  if (isCounting) call.request.hold.enter();
  try {
    call.load();
    const handle = admit(invocation, call.handle, guard, at);
    yield* rest({ call, handle });
    leave();
    yield* call.commit(invocation.holds);
  } catch (error) {
    const code = failureOf(error);
    leave();
    call.rollback();
    yield* call.yieldToWaiting();
    throw new Fail(code);
  }
}

function open({ isOfClient }: Invocation, parent: ModelCall, key: object): ModelCall {
  const call = new ModelCall(parent.request, { parent, hasOutcome: true, key });
  // If it is unknown what the client called, only a guard around this one shows that it is nested.
  call.sharesLogin = parent.key !== undefined || (!isOfClient && !parent.request.isSocket);
  return call;
}

/** The session that a guard admits. @throws Fail */
function admit(invocation: Invocation, found: Handle | null, guard: Procedure['first'], at: string): Handle | null {
  if (!found && guard !== 'with') throw new Fail('UNAUTHENTICATED');
  if (found?.session.isStale && guard === 'fresh') throw new Fail('STEP_UP_REQUIRED');
  expectSession(invocation, at, found);
  return found;
}

/** The session that a second guard of the same call finds. */
function stillLive(call: ModelCall): Handle | null {
  try {
    return live(call);
  } catch (error) {
    failureOf(error);
    return null;
  }
}

function expectSession(invocation: Invocation, at: string, handle: Handle | null): void {
  const seen = invocation.runtime.take(invocation.who, at);
  const id = handle?.session.id ?? null;
  if (seen['id'] !== id) throw wrong(invocation, at, seen, `the session ${id}`);
}

function expectOutcome(invocation: Invocation, at: string, outcome: Outcome): void {
  const seen = invocation.runtime.take(invocation.who, at);
  if (JSON.stringify(seen) !== JSON.stringify(outcome)) throw wrong(invocation, at, seen, JSON.stringify(outcome));
}

function partOf({ runtime, who, procedure }: Invocation, context: Context): ModelPart {
  return {
    runtime,
    who,
    careful: procedure.careful,
    call: context.call,
    handle: context.handle,
    start: (nested, nestedWho) =>
      runtime.start(
        runProcedure({ runtime, who: nestedWho, procedure: nested, context, isOfClient: false, holds: false }),
      ),
  };
}
