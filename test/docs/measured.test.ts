import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { rowsOf } from './tables.js';

const results = readFileSync(join(ROOT, 'bench/results/bench.md'), 'utf8');

/** The row of a contestant, by the columns of its table. */
function measured(table: string, contestant: string): (column: string) => string | undefined {
  const rows = rowsOf(results.slice(results.indexOf(table)), 'ours ÷ this');
  const row = rows.find(([name]) => name === contestant);
  return (column) => row?.[rows[0]?.indexOf(column) ?? 0];
}

test.each(['README.md', 'docs/comparison.md'])('the measured table of %s is what the bench has written', (page) => {
  const columns = ['CPU, µs', 'ours ÷ this', 'store commands'];
  const shown = rowsOf(readFileSync(join(ROOT, page), 'utf8'), 'ours ÷ this').slice(1);
  expect(shown.length).toBeGreaterThan(5);
  for (const [name = '', ...cells] of shown) {
    expect(cells, name).toEqual(columns.map(measured('## One request: tRPC', name)));
  }
});

test('the figures for Express in docs/comparison.md are what the bench has written', () => {
  const page = readFileSync(join(ROOT, 'docs/comparison.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const [ours, theirs] = ['token-sessions on Redis', 'express-session + connect-redis'].map((name) =>
    measured('## One request: Express', name),
  );
  expect(page).toContain(
    `a request takes ${ours?.('CPU, µs')} µs of the server's CPU, and ${theirs?.('CPU, µs')} µs with express-session`,
  );
  expect([ours?.('Redis commands'), theirs?.('Redis commands')]).toEqual(['1.00', '2.00']);
});
