import { type Field, fieldOf, type Operation } from '../program.js';
import { ModelCall } from './call.js';
import { Fail, failureOf } from './complaint.js';
import type { ModelRequest } from './request.js';
import type { Pause, Runtime, Steps } from './runtime.js';
import { type ModelPart, type Outcome, perform, wrong } from './steps.js';

/** The answer to a client. */
export interface GraphQLResult {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly { readonly path: readonly string[] | undefined; readonly code: string | undefined }[];
}

export interface Execution {
  readonly runtime: Runtime;
  readonly who: string;
  readonly operation: Operation;
  readonly request: ModelRequest;
  /** The call of Express, where the request came through it. */
  readonly parent: ModelCall | undefined;
  /** Whether its write waits for those of its neighbours. */
  readonly isBatch: boolean;
}

/** The results of the root fields, by their response names. */
type Outcomes = ReadonlyMap<string, Outcome>;

/** Plays an operation. Answers its result. */
export function* runOperation(execution: Execution): Steps<GraphQLResult> {
  const { runtime, who, operation, request, parent, isBatch } = execution;
  const call = new ModelCall(request, { parent, hasOutcome: true });
  if (isBatch) request.hold.enter();
  yield { turn: who, at: 'begin' };
  yield* perform(operation.context, 'context', partOf(execution, call, who, true));
  call.load();
  const outcomes =
    operation.type === 'mutation' ? yield* runInTurn(execution, call) : yield* runBeside(execution, call);
  runtime.take(who, 'end');
  if (isBatch) request.hold.leave();
  const result = resultOf(operation, outcomes);
  if (!isSuccess(result, operation)) {
    call.rollback();
    return result;
  }
  try {
    yield* operation.type === 'query' ? call.commit(isBatch) : commitFields(call, operation, outcomes, isBatch);
    return result;
  } catch (error) {
    call.rollback();
    return { data: null, errors: [{ path: undefined, code: CODES[failureOf(error)] }] };
  }
}

function commitFields(
  call: ModelCall,
  { fields }: Operation,
  outcomes: Outcomes,
  isBatch: boolean,
): Generator<Pause, void, void> {
  const hasFailed = (name: string) => {
    const outcome = outcomes.get(name);
    return outcome !== undefined && ('code' in outcome || fieldAt(fields, name)?.end === 'below');
  };
  // Resolvers below such a field may still run beside the fields after it.
  const firstBelow = fields.findIndex(({ end }, index) => end === 'below' && isOk(outcomes.get(`f${index}`)));
  const isLate = (name: string) => firstBelow >= 0 && Number(name.slice(1)) > firstBelow;
  return call.commit(
    isBatch,
    (name) => !hasFailed(name) && !isLate(name),
    (name) => !hasFailed(name),
  );
}

/**
 * The root fields of a mutation run one after the other. One that fails and must not be null is
 * the last.
 */
function* runInTurn(execution: Execution, call: ModelCall): Generator<Pause, Outcomes, void> {
  const outcomes = new Map<string, Outcome>();
  for (const [index, field] of execution.operation.fields.entries()) {
    call.beginField(`f${index}`);
    const outcome = yield* runField(execution, call, index, field);
    outcomes.set(`f${index}`, outcome);
    if (!('code' in outcome)) continue;
    call.dropField();
    if (isStrict(field)) break;
  }
  return outcomes;
}

function* runBeside(execution: Execution, call: ModelCall): Generator<Pause, Outcomes, void> {
  const { fields } = execution.operation;
  const routines = fields.map((field, index) => execution.runtime.start(runField(execution, call, index, field)));
  yield { join: routines };
  return new Map(routines.map(({ result }, index) => [`f${index}`, result?.value ?? { ok: true }]));
}

function* runField(
  execution: Execution,
  call: ModelCall,
  index: number,
  field: Field,
): Generator<Pause, Outcome, void> {
  const who = fieldOf(execution.who, index);
  yield { turn: who, at: 'begin' };
  const part = partOf(execution, call, who, field.careful);
  const seen = execution.runtime.take(who, 'begun');
  const id = part.handle?.session.id ?? null;
  if (seen['id'] !== id) throw wrong({ who }, 'begun', seen, `the session ${id}`);
  try {
    yield* perform(field.body, 'body', part);
    if (field.end === 'throw' || field.end === 'strictThrow') throw new Fail('error');
    return { ok: true };
  } catch (error) {
    return { code: failureOf(error) };
  }
}

function resultOf({ fields, typename, type }: Operation, outcomes: Outcomes): GraphQLResult {
  const data: Record<string, unknown> = {};
  const name = type === 'query' ? 'Query' : 'Mutation';
  if (typename !== 'no') data[typename === 'plain' ? '__typename' : 'kind'] = name;
  const errors: { path: readonly string[]; code: string | undefined }[] = [];
  for (const [index, field] of fields.entries()) {
    const alias = `f${index}`;
    const outcome = outcomes.get(alias);
    if (outcome && 'code' in outcome) {
      errors.push({ path: [alias], code: CODES[outcome.code] });
      if (isStrict(field)) return { data: null, errors };
    }
    if (field.end === 'below' && isOk(outcome)) errors.push({ path: [alias, 'hard'], code: undefined });
    if (field.end === 'soft' && isOk(outcome)) errors.push({ path: [alias, 'soft'], code: undefined });
    data[alias] = isOk(outcome) ? field.end : null;
  }
  return { data, errors };
}

/** The codes that clients are given. */
const CODES: Readonly<Record<string, string | undefined>> = {
  error: undefined,
  none: 'INTERNAL_SERVER_ERROR',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  SESSION_GONE: 'UNAUTHENTICATED',
  STEP_UP_REQUIRED: 'STEP_UP_REQUIRED',
  HEADERS_SENT: 'INTERNAL_SERVER_ERROR',
};

/** Nothing failed, or a root field other than `__typename` came back. */
function isSuccess({ data, errors }: GraphQLResult, { fields }: Operation): boolean {
  if (!data) return false;
  const failed = new Set(errors.map(({ path }) => path?.[0]));
  const isBack = (name: string, end: Field['end']) =>
    !['null', 'below', null].includes(data[name] === null ? null : end);
  return failed.size === 0 || fields.some(({ end }, index) => isBack(`f${index}`, end) || !failed.has(`f${index}`));
}

function isOk(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && 'ok' in outcome;
}

function isStrict({ end }: Field): boolean {
  return end === 'strict' || end === 'strictThrow';
}

function fieldAt(fields: readonly Field[], name: string): Field | undefined {
  return fields[Number(name.slice(1))];
}

function partOf({ runtime }: Execution, call: ModelCall, who: string, careful: boolean): ModelPart {
  const start = () => {
    throw new Error('there is no tRPC here');
  };
  return { runtime, who, careful, call, handle: call.handle, start };
}
