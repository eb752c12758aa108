import type { StoreContractOptions } from '../kit/options.js';
import { combinations, holdsNewToken, OPERATIONS, type OperationName, RIVALS, ROTATIONS } from './operations.js';

/** The participants of a race, and the conditions. */
export interface Race {
  readonly names: readonly OperationName[];
  /** Whether each operation runs in a process of its own. */
  readonly apart: boolean;
  /** Whether the session is loaded within the race, not before it. */
  readonly loading: boolean;
  /** Whether the session has a new token that is unused. */
  readonly rotated: boolean;
}

/** The races of a depth. */
export function racesOf(depth: NonNullable<StoreContractOptions['depth']>, apart: boolean): Race[] {
  const sizes = depth === 'pairs' ? [2] : [2, 3];
  const plain = sizes.flatMap((size) => combinations(size, OPERATIONS));
  const rivals = sizes.flatMap((size) => combinations(size, RIVALS)).filter(areRivals);
  const rotated = sizes.flatMap((size) => combinations(size, ROTATIONS)).filter(areOfRotations);
  const races = [
    ...plain.map((names) => ({ names, apart, loading: false, rotated: false })),
    ...plain.map((names) => ({ names, apart, loading: true, rotated: false })),
    ...rivals.map((names) => ({ names, apart, loading: false, rotated: false })),
    ...rotated.map((names) => ({ names, apart, loading: false, rotated: true })),
  ];
  return depth === 'deep' ? races : races.filter((race) => !hasTooManyOrders(race));
}

/** Combinations of only plain rotations already race with the other operations. */
function areRivals(names: readonly OperationName[]): boolean {
  return names.some((each) => each !== 'rotate');
}

/** Other combinations already race on a plain session. */
function areOfRotations(names: readonly OperationName[]): boolean {
  return names.includes('rotate immediately') || names.some(holdsNewToken);
}

/**
 * With three processes in which loading reads and writes too, there are a hundred times more
 * orders.
 */
function hasTooManyOrders({ names, apart, loading }: Race): boolean {
  const writesTwice = names.includes('rotate new token') || names.filter(holdsNewToken).length > 1;
  return apart && names.length > 2 && (loading || writesTwice);
}

export function titleOf({ names, loading, rotated }: Race): string {
  const what = `${loading ? 'load and ' : ''}${names.join(loading ? ', load and ' : ', ')}`;
  return `${invariantsOf(names)}: ${what}${rotated ? ' of a rotated session' : ''}, in every order of their store calls`;
}

function invariantsOf(names: readonly OperationName[]): string {
  const numbers = ['2'];
  if (names.some((each) => each === 'save' || each === 'update')) numbers.push('3');
  if (names.includes('destroy')) numbers.push('5');
  if (names.includes('expire')) numbers.push('7');
  const last = numbers.pop();
  return numbers.length === 0 ? `invariant ${last}` : `invariants ${numbers.join(', ')} and ${last}`;
}
