import { monotonic } from './types.js';

/** Runs this many at a time, in order. */
export async function inGroups<Result>(
  count: number,
  size: number,
  run: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let from = 0; from < count; from += size) {
    const group = Array.from({ length: Math.min(size, count - from) }, (_, offset) => run(from + offset));
    results.push(...(await Promise.all(group)));
  }
  return results;
}

/** Resolves at a moment of {@link monotonic}. */
export function at(moment: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, moment - monotonic())));
}
