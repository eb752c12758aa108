/** The middle of the values; of an even number of them the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}

/**
 * How much greater `ours` are than `theirs`: the median of the ratios within each round, since what slows a machine down for a
 * while slows both.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
}

/** The order of a round: each begins with another one, and every second one runs backwards, so that none always follows the same. */
export function orderOf<Item>(items: readonly Item[], round: number): Item[] {
  const start = items.length === 0 ? 0 : round % items.length;
  const rotated = [...items.slice(start), ...items.slice(0, start)];
  return round % 2 === 0 ? rotated : rotated.reverse();
}

/** How much more `ours` are than `theirs`: the median of the differences within each round. */
export function pairedDifference(ours: readonly number[], theirs: readonly number[]): number {
  return median(ours.map((value, round) => value - (theirs[round] ?? Number.NaN)));
}

/** What `ours` add to what `bare` is without them, over what `theirs` add. Of the medians, as differences of single rounds may be about nothing. */
export function pairedShare(ours: readonly number[], theirs: readonly number[], bare: readonly number[]): number {
  return pairedDifference(ours, bare) / pairedDifference(theirs, bare);
}
