import type { Seen } from '../play/stage.js';
import { nestedOf, type Plan, type Procedure, type Step } from '../program.js';
import type { ModelCall } from './call.js';
import { Complaint, Fail, failureOf } from './complaint.js';
import { assertWritable } from './request.js';
import type { Pause, Routine, Runtime, Steps } from './runtime.js';
import type { Handle } from './store.js';

/** The values that a part of a call can use, in the model. */
export interface ModelPart {
  readonly runtime: Runtime;
  readonly who: string;
  readonly careful: boolean;
  /** The call behind `sessions`. */
  readonly call: ModelCall;
  /** The session that the code holds in a variable. */
  handle: Handle | null;
  /** Starts a procedure by a server-side caller. */
  readonly start: (procedure: Procedure, who: string) => Routine<Outcome>;
}

export type Outcome = { readonly ok: true } | { readonly code: string };

type Doing = (part: ModelPart, seen: Seen, at: string) => void;

/**
 * Does one step after the other. @throws Fail if one fails that the code does not catch ·
 * Complaint
 */
export function* perform(plan: Plan, name: string, part: ModelPart): Steps<void> {
  for (const [index, step] of plan.entries()) {
    const at = `${name}${index}`;
    yield { turn: part.who, at };
    const code = yield* attempt(step, at, part);
    if (code !== undefined && !part.careful) throw new Fail(code);
  }
}

/** Compares a step with what it must come to. Answers the code of its error. */
function* attempt(step: Step, at: string, part: ModelPart): Generator<Pause, string | undefined, void> {
  if (step.do === 'nested') return yield* nested(step.calls, at, part);
  const seen = part.runtime.take(part.who, at);
  try {
    doings[step.do](part, 'user' in step ? { ...seen, user: step.user } : seen, at);
  } catch (error) {
    const code = failureOf(error);
    if (seen['code'] !== code) throw wrong(part, at, seen, `the error ${code}`);
    return code;
  }
  if (seen['code'] !== undefined) throw wrong(part, at, seen, 'no error');
  return undefined;
}

function* nested(
  calls: readonly Procedure[],
  at: string,
  part: ModelPart,
): Generator<Pause, string | undefined, void> {
  const routines = calls.map((procedure, index) => part.start(procedure, nestedOf(part.who, at, index)));
  yield { join: routines };
  const outcomes = routines.map(({ result }) => result?.value);
  const failed = outcomes.find((outcome) => outcome && 'code' in outcome);
  const code = failed && 'code' in failed ? failed.code : undefined;
  const seen = part.runtime.take(part.who, at);
  if (seen['code'] !== code) throw wrong(part, at, seen, code === undefined ? 'no error' : `the error ${code}`);
  return code;
}

const doings: { readonly [Name in Exclude<Step['do'], 'nested'>]: Doing } = {
  see: (part, seen, at) => {
    const { call, handle } = part;
    if (seen['id'] !== (handle?.session.id ?? null)) throw wrong(part, at, seen, `the session ${handle?.session.id}`);
    expectView(part, handle, seen['data'], at);
    if (call.isContext) return;
    const { session } = call;
    if (seen['current'] !== (session?.id ?? null))
      throw wrong(part, at, seen, `the current session ${session?.id ?? null}`);
    if (seen['same'] !== (call.handle === handle))
      throw wrong(part, at, seen, `current ${call.handle === handle ? 'the same' : 'another'}`);
  },
  change: (part, seen) => readable(part).draft.change(part.who, seen['value'], known(part)),
  append: (part, seen, at) => {
    const { draft } = readable(part);
    const list = `list ${part.who.replace(/\.f\d+$/, '')}`;
    draft.take(known(part));
    const before = draft.likely[list];
    const after = [...(Array.isArray(before) ? before : []), seen['value']];
    if (String(seen['list']) !== String(after)) throw wrong(part, at, seen, `the list ${String(after)}`);
    draft.change(list, after, known(part));
  },
  save: (part, seen) => save(part, seen),
  share: (part, seen) => {
    readable(part).draft.change('last', seen['value'], known(part));
    save(part, seen);
  },
  update: (part, seen, at) => {
    const { session, draft } = writable(part);
    write(part, { ...draft.changes, n: Number(session.newest['n']) + 1 });
    if (!equal(seen['data'], session.newest))
      throw wrong(part, at, seen, `the data ${JSON.stringify(session.newest)}`);
  },
  reload: (part, seen, at) => {
    const handle = writable(part);
    part.call.request.knows(handle.session);
    handle.draft.reloaded();
    expectView(part, handle, seen['data'], at);
  },
  rotate: (part, seen, at) => {
    const handle = own(part);
    if (handle.isRetired) throw new Fail('SESSION_GONE');
    assertWritable(part.call.request);
    const { session } = writable(part);
    const token = text(seen['token']);
    // As long as the new token is not used, whoever rotates is given that one.
    const isRepeated = session.lastToken !== session.firstToken;
    if (isRepeated && token !== session.lastToken) throw wrong(part, at, seen, 'the token of the rotation before');
    if (!isRepeated) part.runtime.emit('rotated', session.id, 'pending');
    session.lastToken = token;
    // A session that has not taken effect hands out no token.
    if (session.isEffective) part.call.request.rotated(session);
  },
  destroy: (part) => {
    const handle = own(part);
    if (!handle.isRetired) part.call.destroy(handle.session);
  },
  destroyOthers: (part, seen, at) => {
    part.call.load();
    const ended = part.call.destroyOthers();
    if (seen['ended'] !== ended) throw wrong(part, at, seen, `${ended} sessions ended`);
  },
  load: (part, seen, at) => {
    part.call.load();
    part.handle = current(part, seen);
    expectAdmitted(part, seen, at);
  },
  require: (part, seen, at) => {
    part.handle = live(part.call);
    expectAdmitted(part, seen, at);
  },
  fresh: (part, seen, at) => {
    const handle = live(part.call);
    if (handle.session.isStale) throw new Fail('STEP_UP_REQUIRED');
    part.handle = handle;
    expectAdmitted(part, seen, at);
  },
  create: (part, seen) => {
    part.handle = create(part, seen, text(seen['id']), text(seen['token']));
  },
  createTwice: (part, seen) => {
    const [ids, tokens] = [list(seen['ids']), list(seen['tokens'])];
    for (const index of [0, 1]) part.handle = create(part, seen, ids[index] ?? '', tokens[index] ?? '');
  },
  createLate: (part, seen, at) => {
    const made = part.runtime.take(part.who, `${at}+`);
    try {
      create(part, seen, text(made['id']), text(made['token']));
    } catch (error) {
      const code = failureOf(error);
      if (made['code'] !== code) throw wrong(part, at, made, `the error ${code}`);
    }
  },
};

function create(part: ModelPart, seen: Seen, id: string, token: string): Handle {
  assertWritable(part.call.request);
  part.call.load();
  return part.call.create({ id, token, user: Number(seen['user']) });
}

function save(part: ModelPart, seen: Seen): void {
  const { session, draft, isRetired } = own(part);
  if (isRetired || part.call.request.hasEnded(session)) throw new Fail('SESSION_GONE');
  // Nothing is written if nothing changed: that the session has ended elsewhere may stay
  // unnoticed.
  if (!draft.hasChanges && (session.isAlive || seen['code'] === undefined)) return;
  writable(part);
  write(part, draft.changes);
}

function write(part: ModelPart, changes: Readonly<Record<string, unknown>>): void {
  const { session, draft } = own(part);
  session.write(changes);
  part.call.request.knows(session);
  draft.saved();
}

/** @throws Fail where the code holds no session */
function own({ handle }: ModelPart): Handle {
  if (handle) return handle;
  throw new Fail('none');
}

/** The session whose data the code can read. @throws Fail */
function readable(part: ModelPart): Handle {
  const handle = own(part);
  if (handle.isRetired) throw new Fail('SESSION_GONE');
  return handle;
}

/** The session that the code can write to. @throws Fail */
function writable(part: ModelPart): Handle {
  const handle = readable(part);
  if (!handle.session.isAlive) throw new Fail('SESSION_GONE');
  return handle;
}

function known({ call, handle }: ModelPart): number {
  return handle ? call.request.known(handle.session) : 0;
}

/**
 * The result of `load()`. A context need not show a session that has ended, and may show its own
 * object of it.
 */
function current({ call }: ModelPart, seen: Seen): Handle | null {
  const { session } = call;
  return call.isContext && session && !session.isAlive && seen['id'] === null ? null : call.handle;
}

/**
 * The session that a later guard admits: none that has ended, and none that an unfinished login
 * will replace. @throws Fail
 */
export function live({ request, handle }: ModelCall): Handle {
  if (handle?.session.isAlive && !request.isBeingReplaced(handle.session)) return handle;
  throw new Fail('UNAUTHENTICATED');
}

function expectAdmitted(part: ModelPart, seen: Seen, at: string): void {
  const { handle } = part;
  if (seen['id'] !== (handle?.session.id ?? null))
    throw wrong(part, at, seen, `the session ${handle?.session.id ?? null}`);
  expectView(part, handle, seen['data'], at);
}

/** Compares what a session object gives. */
function expectView(part: ModelPart, handle: Handle | null, data: unknown, at: string): void {
  if (!handle || handle.isRetired) {
    const expected = handle ? 'SESSION_GONE' : null;
    if (data !== expected) throw wrong(part, at, { data }, String(expected));
    return;
  }
  const { draft, session } = handle;
  if (draft.canBe(data, part.call.request.known(session))) return;
  throw wrong(part, at, { data }, `the data ${JSON.stringify(draft.likely)}`);
}

function equal(seen: unknown, expected: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof seen === 'object' && seen !== null && JSON.stringify(sorted(seen)) === JSON.stringify(sorted(expected))
  );
}

function sorted(fields: object): unknown[] {
  return Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function wrong({ who }: Pick<ModelPart, 'who'>, at: string, seen: Seen, expected: string): Complaint {
  return new Complaint(`${who} at ${at} has seen ${JSON.stringify(seen)}; the model expects ${expected}`);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function list(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
