import { expect, test } from 'vitest';
import { Oracle } from './oracle.js';
import { type Bug, bugs } from './planted/bugs.js';
import { plant } from './planted/build.js';

/*
 * The oracle finds each of these bugs. With `ORACLE_ROUNDS` it searches from the first round on;
 * otherwise it begins near the round that shows the bug, to save time.
 */

const isLarge = process.env['ORACLE_ROUNDS'] !== undefined;
/** The most rounds that the search may take. */
const ENOUGH = 1_500;

test.each(bugs)('the oracle finds the bug: $name', { timeout: 300_000 }, async (bug) => {
  expect(await roundOf(bug)).toBeLessThanOrEqual(ENOUGH);
});

/** The round that shows the bug. */
async function roundOf(bug: Bug): Promise<number> {
  const oracle = await Oracle.open(await plant(bug));
  try {
    const found = await oracle.search(ENOUGH, isLarge ? 1 : bug.seed, false);
    return found?.round ?? Number.POSITIVE_INFINITY;
  } finally {
    await oracle.close();
  }
}
