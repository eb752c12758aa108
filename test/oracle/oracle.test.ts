import { readFile } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { FULL } from '../support/size.js';
import { Oracle } from './oracle.js';
import { type Bug, bugs, FEW } from './planted/bugs.js';
import { plant } from './planted/build.js';
import { loadSources } from './play/library.js';
import { describeFinding } from './print.js';

/*
 * Random rounds of calls, each compared with a model in which every call is alone. `ORACLE_ROUNDS`
 * sets their number, `ORACLE_SEED` the first one. Planted faults show that the oracle finds some.
 * By default it searches for a few, each near a round that shows it, and in a full run for all of
 * them. With `ORACLE_BUGS=search` it searches for all from the first round on.
 */

const isSearch = process.env['ORACLE_BUGS'] === 'search';
const rounds = Number(process.env['ORACLE_ROUNDS'] ?? (FULL ? 10_000 : 150));
const seed = Number(process.env['ORACLE_SEED'] ?? 1);
/** The most rounds that it may take to find a bug. */
const ENOUGH = 1_000;

const opened: Oracle[] = [];
afterAll(async () => {
  for (const oracle of opened) await oracle.close();
});

test('rules 12 to 18 and 24: in rounds by chance, each call is answered and saved as if it were alone', {
  timeout: 60_000 + rounds * 200,
}, async () => {
  const oracle = new Oracle(await loadSources());
  opened.push(oracle);
  const found = await oracle.search(rounds, seed);
  expect(found && describeFinding(found)).toBeUndefined();
});

test.each(isSearch || FULL ? bugs : bugs.slice(0, FEW))(
  'the oracle finds the bug: $name',
  { timeout: 300_000 },
  async (bug) => {
    expect(await roundOf(bug)).toBeLessThanOrEqual(ENOUGH);
  },
);

test.each(bugs)('the sources have the lines that the bug changes, once: $name', async ({ patches }) => {
  for (const { file, from } of patches) {
    const source = await readFile(`${ROOT}/src/${file}`, 'utf8');
    expect(source.split(from), from).toHaveLength(2);
  }
});

/** The round that shows the bug. */
async function roundOf(bug: Bug): Promise<number> {
  const oracle = new Oracle(await plant(bug));
  opened.push(oracle);
  const found = await oracle.search(ENOUGH, isSearch ? 1 : bug.seed, false);
  return found?.round ?? Number.POSITIVE_INFINITY;
}
