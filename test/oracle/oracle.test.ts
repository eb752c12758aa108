import { afterAll, beforeAll, expect, test } from 'vitest';
import { Oracle } from './oracle.js';
import { loadSources } from './play/library.js';
import { describeFinding } from './print.js';

/*
 * Rounds of calls by chance, each compared with a model in which every call is alone. `ORACLE_ROUNDS`
 * sets how many there are, `ORACLE_SEED` with which one they begin.
 */

const rounds = Number(process.env['ORACLE_ROUNDS'] ?? 150);
const seed = Number(process.env['ORACLE_SEED'] ?? 1);

let oracle: Oracle;
beforeAll(async () => {
  oracle = await Oracle.open(await loadSources());
});
afterAll(() => oracle.close());

test('rules 12 to 18 and 24: in rounds by chance, each call is answered and saved as if it were alone', {
  timeout: 60_000 + rounds * 200,
}, async () => {
  const found = await oracle.search(rounds, seed);
  expect(found && describeFinding(found)).toBeUndefined();
});
