/** The median of the values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/**
 * The ratio of `ours` to `theirs`: the median of the ratios within each round. Within a round,
 * because a busy machine slows both.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/**
 * The order of a round. Each round begins with another item, and every second one runs backwards.
 * So no item always follows the same one.
 */
export function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  const start = items.length === 0 ? 0 : round % items.length;
  const rotated = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

/** How much more `ours` cost than `theirs`: the median of the differences within each round. */
export function pairedDifference(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value - (theirs[round] ?? Number.NaN)));
}

/**
 * The addition of `ours` to `bare`, divided by that of `theirs`. It uses medians, because the
 * differences of single rounds may be close to zero.
 */
export function pairedShare(ours: readonly number[], theirs: readonly number[], bare: readonly number[]): number {
  return pairedDifference(ours, bare) / pairedDifference(theirs, bare);
}
