import type { Act } from './types.js';

/*
 * What the tokens of one session may do, by the design, and a judge of what several processes saw. Each act is to have happened at one moment
 * between its beginning and its end: there has to be an order of those moments in which one process alone would have been
 * answered the same. (Such an order is searched for as Wing and Gong do.) This excludes two live lineages, tokens that come back, and
 * holders that are turned away.
 */

/** The tokens that a session knows. */
interface Lineage {
  readonly current: string;
  readonly pending?: string;
  readonly previous?: string;
  /** Whether the previous one still works. */
  readonly inGrace: boolean;
  /** How often the previous one came back after that. */
  readonly reuses: number;
  readonly ended: boolean;
}

/** What happened to one session, in stages: everything of one came after all of the one before, and the grace ended in between if it says so. */
export interface Stage {
  readonly acts: readonly Act[];
  readonly afterGrace?: boolean;
}

export interface Expected {
  /** `onReuse: 'destroy'`. */
  readonly destroyOnReuse?: boolean;
  /** How many events told of a reuse, if that is to be compared. */
  readonly reuses?: number;
}

/** Whether the design allows what was seen of a session that began with the token `first`. */
export function isAllowed(first: string, stages: readonly Stage[], expected: Expected = {}): boolean {
  let states: readonly Lineage[] = [{ current: first, inGrace: false, reuses: 0, ended: false }];
  for (const { acts, afterGrace } of stages) {
    const before = afterGrace ? states.map((state) => ({ ...state, inGrace: false })) : states;
    states = distinct(before.flatMap((state) => outcomes(state, acts, expected)));
  }
  return states.some(({ reuses }) => expected.reuses === undefined || expected.reuses === reuses);
}

/** The states that a session can be in after these acts, each answered as it was. */
function outcomes(start: Lineage, acts: readonly Act[], expected: Expected): Lineage[] {
  const ends: Lineage[] = [];
  const seen = new Set<string>();
  const visit = (state: Lineage, left: readonly Act[]): void => {
    if (left.length === 0) {
      ends.push(state);
      return;
    }
    const key = `${JSON.stringify(state)} ${left.map((act) => acts.indexOf(act)).join()}`;
    if (seen.has(key)) return;
    seen.add(key);
    const firstEnd = Math.min(...left.map(({ to }) => to));
    const steps = left
      .filter(({ from }) => from <= firstEnd)
      .map((act) => ({ act, next: after(state, act, expected) }))
      .filter((step): step is { act: Act; next: Lineage } => step.next !== undefined);
    // What changes nothing and is answered right may as well come first.
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
function after(state: Lineage, act: Act, expected: Expected): Lineage | undefined {
  return act.kind === 'use' ? afterUse(state, act, expected) : afterRotation(state, act);
}

function afterUse(state: Lineage, { token, ok, code }: Act & { readonly kind: 'use' }, expected: Expected): Lineage | undefined {
  if (code !== undefined || ok !== opens(state, token)) return undefined;
  if (ok && token === state.pending) {
    const { current, reuses, ended } = state;
    return { current: token, previous: current, inGrace: true, reuses, ended };
  }
  if (ok || state.ended || token !== state.previous) return state;
  return { ...state, reuses: state.reuses + 1, ended: expected.destroyOnReuse === true };
}

function afterRotation(state: Lineage, { by, immediate, made, code }: Act & { readonly kind: 'rotate' }): Lineage | undefined {
  if (!opens(state, by)) return code === 'SESSION_GONE' ? state : undefined;
  if (made === undefined) return undefined;
  const { current, reuses, ended } = state;
  return immediate ? { current: made, previous: current, inGrace: false, reuses, ended } : { ...state, pending: made };
}

function opens({ current, pending, previous, inGrace, ended }: Lineage, token: string): boolean {
  if (ended) return false;
  return token === current || token === pending || (inGrace && token === previous);
}

function distinct(states: readonly Lineage[]): Lineage[] {
  return [...new Map(states.map((state) => [JSON.stringify(state), state])).values()];
}
