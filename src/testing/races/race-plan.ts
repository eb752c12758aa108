import type { StoreContractOptions } from '../kit/options.js';
import { combinations, holdsNewToken, OPERATIONS, type OperationName, RIVALS, ROTATIONS } from './operations.js';

/** Who takes part in a race, and how. */
export interface Race {
  readonly names: readonly OperationName[];
  /** Each in a process of its own, or all in one. */
  readonly apart: boolean;
  /** Whether they load the session within the race, or have done so before. */
  readonly loading: boolean;
  /** Whether the session has a new token that was not used yet. */
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

/** Plain rotations alone are raced with the other operations. */
function areRivals(names: readonly OperationName[]): boolean {
  return names.some((each) => each !== 'rotate');
}

/** The others are raced on a plain session. */
function areOfRotations(names: readonly OperationName[]): boolean {
  return names.includes('rotate immediately') || names.some(holdsNewToken);
}

/**
 * In three processes, where loading reads and writes as well, there are a hundred times as many
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
