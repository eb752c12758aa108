import { ContractError } from '../kit/assert.js';

/** Returns a number below `count`: the way to continue, out of this many. */
export type Choose = (count: number) => number;

/**
 * Runs `run` once for each combination of choices, depth first. Returns how many there were. A run
 * must be repeatable: the same choices must lead to the same further choices.
 */
export async function explore(run: (choose: Choose) => Promise<void>): Promise<number> {
  const path: { taken: number; readonly count: number }[] = [];
  for (let runs = 1; ; runs += 1) {
    let depth = 0;
    await run((count) => {
      const known = path[depth];
      depth += 1;
      if (known && known.count !== count)
        throw new ContractError('the same calls in the same order did not lead to the same calls again');
      if (!known) path.push({ taken: 0, count });
      return known?.taken ?? 0;
    });
    if (!nextPath(path)) return runs;
  }
}

/** Moves on to the next path. Returns `false` after the last one. */
function nextPath(path: { taken: number; readonly count: number }[]): boolean {
  for (let last = path.at(-1); last; last = path.at(-1)) {
    last.taken += 1;
    if (last.taken < last.count) return true;
    path.pop();
  }
  return false;
}
