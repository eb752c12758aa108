import fc from 'fast-check';
import { setOwn } from '../../core/data/json.js';
import { isSessionError } from '../../core/error.js';
import { createSessions } from '../../create-sessions.js';
import type { Session, Sessions } from '../../index.js';
import { ContractError, ensure, ensureEqual, present } from '../kit/assert.js';
import type { TestContext } from '../kit/context.js';
import { type RandomOptions, randomRuns } from '../kit/random-runs.js';
import { HOUR } from '../kit/records.js';
import { isAlive, type ModelLimits, type ModelSession, modelLoad, modelSession, noteActivity } from './model.js';
import type { ModelCall, ModelRotation } from './token-model.js';

const LIMITS: ModelLimits = { idle: HOUR, absolute: 3 * HOUR, touchInterval: HOUR / 10, grace: 10_000 };

type Data = Record<string, number>;

/** `token`: an index into all tokens that were ever given out. */
type SaveCommand = { readonly kind: 'save'; readonly token: number; readonly field: string; readonly value: number };
type RequestCommand =
  | { readonly kind: 'read' | 'update' | 'touch' | 'destroy'; readonly token: number }
  | { readonly kind: 'rotate'; readonly token: number; readonly how: ModelRotation }
  | SaveCommand;
type Command =
  | { readonly kind: 'create' }
  | { readonly kind: 'advance'; readonly ms: number }
  /** `call`: an index into all calls that were ever admitted. */
  | { readonly kind: 'rotate late'; readonly call: number; readonly how: ModelRotation }
  | RequestCommand;

const token = fc.nat({ max: 30 });
const how: fc.Arbitrary<ModelRotation> = fc.oneof(
  { weight: 5, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.constant({ reauthenticated: true }) },
  { weight: 2, arbitrary: fc.record({ immediate: fc.constant(true), reauthenticated: fc.boolean() }) },
);
const ms = fc.oneof(
  fc.constantFrom(1, 9_999, 10_000, 59_999, 60_000, HOUR / 10, HOUR - 1, HOUR),
  fc.nat({ max: 2 * HOUR }),
);
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Command>({ kind: 'create' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'update', 'touch'), token }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rotate' as const), token, how }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rotate late' as const), call: token, how }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const), token }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('save' as const),
      token,
      field: fc.constantFrom('a', 'b', '__proto__'),
      value: fc.nat(),
    }),
  },
);

/**
 * Runs random histories on the library and on the model side by side. Reports the shortest history
 * for which they differ.
 */
export async function checkHistories(context: TestContext, options: RandomOptions): Promise<void> {
  const property = fc.asyncProperty(fc.array(command, { maxLength: 40 }), (commands) => runHistory(context, commands));
  await fc.assert(property, randomRuns(options));
}

/** An admitted call: its session on both sides. */
interface Call {
  readonly session: Session<Data>;
  readonly model: ModelSession;
  readonly expected: ModelCall;
}

/** Both sides of a history. */
interface State {
  readonly context: TestContext;
  readonly sessions: Sessions<Data>;
  /** The tokens that were given out, each with its session and its number there. */
  readonly tokens: { readonly text: string; readonly model: ModelSession; readonly number: number }[];
  readonly calls: Call[];
}

async function runHistory(context: TestContext, commands: readonly Command[]): Promise<void> {
  const { idle, absolute, touchInterval, grace } = LIMITS;
  const options = { idleTimeout: idle, absoluteTimeout: absolute, touchInterval, rotationGrace: grace };
  const sessions = createSessions<Data>({ ...options, store: context.store, now: context.clock.now });
  const state: State = { context, sessions, tokens: [], calls: [] };
  await create(state);
  for (const each of commands) await run(state, each);
  for (const index of state.tokens.keys()) await request(state, { kind: 'read', token: index });
}

async function run(state: State, each: Command): Promise<void> {
  if (each.kind === 'create') await create(state);
  else if (each.kind === 'advance') state.context.clock.advance(each.ms);
  else if (each.kind !== 'rotate late') await request(state, each);
  else if (state.calls.length > 0)
    await rotate(state, present(state.calls[each.call % state.calls.length], 'a call'), each.how);
}

async function create({ context, sessions, tokens }: State): Promise<void> {
  const { token: text } = await sessions.create({});
  tokens.push({ text, model: modelSession(context.clock.now(), LIMITS), number: 0 });
}

/** A request that reads the session and does one thing with it. */
async function request(state: State, each: RequestCommand): Promise<void> {
  const index = each.token % state.tokens.length;
  const { text, model, number } = present(state.tokens[index], 'a token');
  const now = state.context.clock.now();
  const { session } = await state.sessions.fromToken(text);
  const expected = modelLoad(model, number, now, LIMITS);
  ensureEqual(session !== null, expected !== null, `whether token ${index} opens its session`);
  if (!session || !expected) return;
  ensureEqual(
    [session.data, session.authenticatedAt],
    [model.data, model.tokens.authenticatedAt(number)],
    'the data and authenticatedAt',
  );
  state.calls.push({ session, model, expected });
  if (each.kind === 'rotate') await rotate(state, { session, model, expected }, each.how);
  else if (await operate(session, model, each)) noteActivity(model, now, LIMITS);
  ensureEqual(
    [session.lastActiveAt, session.expiresAt],
    [model.lastActiveAt, model.expiresAt],
    'the last activity and the deadline',
  );
}

/** Returns whether it was a write. */
async function operate(
  session: Session<Data>,
  model: ModelSession,
  each: Exclude<RequestCommand, { kind: 'rotate' }>,
): Promise<boolean> {
  switch (each.kind) {
    case 'read':
      return false;
    case 'touch':
      await session.touch();
      return false;
    case 'destroy':
      await session.destroy();
      model.destroyed = true;
      return false;
    case 'update':
      await session.update((data) => setOwn(data, 'count', (data['count'] ?? 0) + 1));
      setOwn(model.data, 'count', (model.data['count'] ?? 0) + 1);
      return true;
    default:
      return save(session, model, each);
  }
}

/** A value that does not change is not written. */
async function save(session: Session<Data>, model: ModelSession, { field, value }: SaveCommand): Promise<boolean> {
  const changes = !Object.hasOwn(model.data, field) || model.data[field] !== value;
  setOwn(session.data, field, value);
  setOwn(model.data, field, value);
  await session.save();
  return changes;
}

/** A rotation by a call, perhaps long after the call was admitted. */
async function rotate(
  { context, tokens }: State,
  { session, model, expected }: Call,
  request: ModelRotation,
): Promise<void> {
  const now = context.clock.now();
  if (!isAlive(model, now))
    return ensureEqual(await refusalOf(session, request), 'SESSION_GONE', 'the refusal of a rotation after the end');
  const count = model.tokens.facts.length;
  const made = model.tokens.rotate(expected, request, now);
  if (made === undefined)
    return ensureEqual(await refusalOf(session, request), 'TOKEN_REPLACED', 'the refusal of a rotation');
  const text = await session.rotate(request);
  const known = tokens.find((each) => each.text === text);
  ensureEqual(
    known?.number,
    made < count ? made : undefined,
    'the number of the token that a rotation has answered, if it is known',
  );
  ensure(known === undefined || known.model === model, 'a rotation has answered the token of another session');
  ensureEqual(session.authenticatedAt, model.tokens.authenticatedAt(made), 'authenticatedAt after a rotation');
  if (!known) tokens.push({ text, model, number: made });
  expected.tokens.push(made);
  // A plain token that is given out again is the only case without a write.
  if (made >= count || request.reauthenticated) noteActivity(model, now, LIMITS);
}

async function refusalOf(session: Session<Data>, request: ModelRotation): Promise<string> {
  try {
    await session.rotate(request);
  } catch (error) {
    if (isSessionError(error)) return error.code;
    throw error;
  }
  throw new ContractError('a rotation was not refused');
}
