import { type ModelCall, TokenModel } from '../../../src/testing/library/token-model.js';
import { type Act, FIRST_CALL, GRACE } from './types.js';

/*
 * A judge of the observations of several processes about the tokens of one session. Each act must
 * have happened at one moment between its beginning and its end: there must be an order of those
 * moments in which the model, which is one process alone, would have answered the same. (Wing and
 * Gong describe this search.) This excludes two live lineages, tokens that come back, and holders
 * that are refused.
 */

/** The state of a session. */
interface Lineage {
  readonly model: TokenModel;
  /** The text of each token by its number. */
  readonly texts: readonly string[];
  /** The calls that go on to rotate, by their names. */
  readonly calls: ReadonlyMap<string, ModelCall>;
  /** The processes that must report a reuse, each once. */
  readonly reporting: readonly string[];
  readonly ended: boolean;
  readonly now: number;
}

/**
 * The acts on one session, in stages. Everything of one came after the whole stage before, and the
 * grace ended in between if it says so.
 */
export interface Stage {
  readonly acts: readonly Act[];
  readonly afterGrace?: boolean;
}

export interface Expected {
  /** `onReuse: 'destroy'`. */
  readonly destroyOnReuse?: boolean;
  /** How many events there were of a reuse, if that is to be compared. */
  readonly reuses?: number;
}

/** Whether the model allows what was seen of a session that began with the token `first`. */
export function isAllowed(first: string, stages: readonly Stage[], expected: Expected = {}): boolean {
  const start = {
    model: new TokenModel(GRACE, 0),
    texts: [first],
    calls: new Map(),
    reporting: [],
    ended: false,
    now: 0,
  };
  let states: readonly Lineage[] = [start];
  for (const { acts, afterGrace } of stages) {
    const before = afterGrace ? states.map((state) => ({ ...state, now: state.now + 2 * GRACE })) : states;
    states = distinct(before.flatMap((state) => outcomes(state, acts, expected)));
  }
  return states.some(({ reporting }) => expected.reuses === undefined || expected.reuses === reporting.length);
}

/** The states that a session can be in after these acts, each answered as it was. */
function outcomes(start: Lineage, acts: readonly Act[], expected: Expected): Lineage[] {
  const ends: Lineage[] = [];
  const seen = new Set<string>();
  const rotating = new Set(acts.map((act) => (act.kind === 'rotate' ? act.call : undefined)));
  const visit = (state: Lineage, left: readonly Act[]): void => {
    if (left.length === 0) {
      ends.push(state);
      return;
    }
    const key = `${keyOf(state)} ${left.map((act) => acts.indexOf(act)).join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    const firstEnd = Math.min(...left.map(({ to }) => to));
    const steps = left
      .filter(({ from }) => from <= firstEnd)
      .map((act) => ({ act, next: after(state, act, expected, rotating) }))
      .filter((step): step is { act: Act; next: Lineage } => step.next !== undefined);
    // An act that changes nothing and has the right answer may as well come first.
    const idle = steps.find(({ next }) => next === state);
    for (const { act, next } of idle ? [idle] : steps) {
      visit(
        next,
        left.filter((each) => each !== act),
      );
    }
  };
  visit(start, acts);
  return ends;
}

/** The state after an act, or `undefined` where it would have been answered otherwise. */
function after(
  state: Lineage,
  act: Act,
  expected: Expected,
  rotating: ReadonlySet<string | undefined>,
): Lineage | undefined {
  return act.kind === 'use' ? afterUse(state, act, expected, rotating.has(act.call)) : afterRotation(state, act);
}

type UseAct = Act & { readonly kind: 'use' };

function afterUse(
  state: Lineage,
  { token, ok, code, call, process }: UseAct,
  expected: Expected,
  isKept: boolean,
): Lineage | undefined {
  const { model, texts, calls, reporting, ended, now } = state;
  const number = texts.indexOf(token);
  const match = number === -1 || ended ? 'unknown' : model.matches(number, now)[0];
  const opens = match === 'current' || match === 'pending' || match === 'grace';
  if (code !== undefined || ok !== opens) return undefined;
  if (match === 'reused') {
    const all = reporting.includes(process) ? reporting : [...reporting, process];
    return { ...state, reporting: all, ended: expected.destroyOnReuse === true };
  }
  const kept = opens && isKept ? new Map(calls).set(call, { tokens: [number], replaced: match === 'grace' }) : calls;
  if (match !== 'pending') return kept === calls ? state : { ...state, calls: kept };
  const next = model.copy();
  next.use(number, now);
  return { ...state, model: next, calls: kept };
}

function afterRotation(
  state: Lineage,
  { call, how, made, code }: Act & { readonly kind: 'rotate' },
): Lineage | undefined {
  const { model, texts, calls, ended, now } = state;
  const by = calls.get(call) ?? (call.startsWith(FIRST_CALL) ? { tokens: [0], replaced: false } : undefined);
  if (ended) return code === 'SESSION_GONE' ? state : undefined;
  if (!by) return undefined;
  const next = model.copy();
  const number = next.rotate(by, how, now);
  if (number === undefined) return code === 'TOKEN_REPLACED' ? state : undefined;
  const isKnown = number < texts.length;
  if (made === undefined || (isKnown ? texts[number] !== made : texts.includes(made))) return undefined;
  const changed = new Map(calls).set(call, { ...by, tokens: [...by.tokens, number] });
  return { ...state, model: next, texts: isKnown ? texts : [...texts, made], calls: changed };
}

function keyOf({ model, texts, calls, reporting, ended, now }: Lineage): string {
  return JSON.stringify([model.key, texts, [...calls], reporting, ended, now]);
}

function distinct(states: readonly Lineage[]): Lineage[] {
  return [...new Map(states.map((state) => [keyOf(state), state])).values()];
}
