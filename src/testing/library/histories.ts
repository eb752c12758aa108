import fc from 'fast-check';
import { setOwn } from '../../core/data/json.js';
import { createSessions } from '../../create-sessions.js';
import type { Session, Sessions } from '../../index.js';
import { ensureEqual, present } from '../kit/assert.js';
import type { TestContext } from '../kit/context.js';
import { type RandomOptions, randomRuns } from '../kit/random-runs.js';
import { HOUR } from '../kit/records.js';
import { type ModelLimits, type ModelSession, modelLoad, modelRotate, modelSession, noteActivity } from './model.js';

const LIMITS: ModelLimits = { idle: HOUR, absolute: 3 * HOUR, touchInterval: HOUR / 10, grace: 10_000 };

type Data = Record<string, number>;

/** `token`: which of those that were ever given out. */
type SaveCommand = { readonly kind: 'save'; readonly token: number; readonly field: string; readonly value: number };
type RequestCommand =
  | { readonly kind: 'read' | 'update' | 'touch' | 'rotate' | 'rotate immediately' | 'destroy'; readonly token: number }
  | SaveCommand;
type Command = { readonly kind: 'create' } | { readonly kind: 'advance'; readonly ms: number } | RequestCommand;

const token = fc.nat({ max: 30 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Command>({ kind: 'create' }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.oneof(fc.constantFrom(1, 9_999, 10_000, HOUR / 10, HOUR - 1, HOUR), fc.nat({ max: 2 * HOUR })),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('read' as const, 'update', 'touch', 'rotate', 'rotate immediately'), token }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('destroy' as const), token }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('save' as const), token, field: fc.constantFrom('a', 'b', '__proto__'), value: fc.nat() }),
  },
);

/** Runs random histories on the library and on the model side by side; of those that differ the shortest is reported. */
export async function checkHistories(context: TestContext, options: RandomOptions): Promise<void> {
  const property = fc.asyncProperty(fc.array(command, { maxLength: 40 }), (commands) => runHistory(context, commands));
  await fc.assert(property, randomRuns(options));
}

/** Both sides of a history. */
interface State {
  readonly context: TestContext;
  readonly sessions: Sessions<Data>;
  /** The tokens that were given out, each with its session. */
  readonly tokens: { readonly text: string; readonly model: ModelSession }[];
}

async function runHistory(context: TestContext, commands: readonly Command[]): Promise<void> {
  const { idle, absolute, touchInterval, grace } = LIMITS;
  const options = { idleTimeout: idle, absoluteTimeout: absolute, touchInterval, rotationGrace: grace };
  const state: State = { context, sessions: createSessions({ ...options, store: context.store, now: context.clock.now }), tokens: [] };
  await create(state);
  for (const each of commands) await run(state, each);
  for (const index of state.tokens.keys()) await request(state, { kind: 'read', token: index });
}

async function run(state: State, each: Command): Promise<void> {
  if (each.kind === 'create') await create(state);
  else if (each.kind === 'advance') state.context.clock.advance(each.ms);
  else await request(state, each);
}

async function create({ context, sessions, tokens }: State): Promise<void> {
  const { token: text } = await sessions.create({});
  tokens.push({ text, model: modelSession(tokens.length, context.clock.now(), LIMITS) });
}

/** A request that reads the session, and does one thing with it. */
async function request(state: State, each: RequestCommand): Promise<void> {
  const index = each.token % state.tokens.length;
  const { text, model } = present(state.tokens[index], 'a token');
  const now = state.context.clock.now();
  const { session } = await state.sessions.fromToken(text);
  ensureEqual(session !== null, modelLoad(model, index, now, LIMITS), `whether token ${index} opens its session`);
  if (!session) return;
  ensureEqual(session.data, model.data, 'the data');
  if (await operate(state, session, model, each)) noteActivity(model, now, LIMITS);
  ensureEqual([session.lastActiveAt, session.expiresAt], [model.lastActiveAt, model.expiresAt], 'the last activity and the deadline');
}

/** Answers whether it was a write. */
async function operate({ tokens }: State, session: Session<Data>, model: ModelSession, each: RequestCommand): Promise<boolean> {
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
    case 'save':
      return save(session, model, each);
    default:
      tokens.push({ text: await session.rotate({ immediate: each.kind === 'rotate immediately' }), model });
      modelRotate(model, tokens.length - 1, each.kind === 'rotate immediately', session.lastActiveAt);
      return true;
  }
}

/** A value that is there already is no change, and is not written. */
async function save(session: Session<Data>, model: ModelSession, { field, value }: SaveCommand): Promise<boolean> {
  const changes = !Object.hasOwn(model.data, field) || model.data[field] !== value;
  setOwn(session.data, field, value);
  setOwn(model.data, field, value);
  await session.save();
  return changes;
}
