import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUGS } from './support/bugs.js';
import { history, MACHINE, play } from './support/histories.js';

/** `HISTORIES` sets the number of random histories. */
const RUNS = Number(process.env['HISTORIES'] ?? 2_000);

describe('random histories of the pure machine', () => {
  test('rules 21, 22, 23: the machine always answers as the oracle does', () => {
    fc.assert(
      fc.property(history, (acts) => play(acts, MACHINE)),
      { numRuns: RUNS },
    );
  });

  test.each(Object.entries(BUGS))('finds a planted bug: %s', (_name, machine) => {
    const found = fc.check(
      fc.property(history, (acts) => play(acts, machine)),
      { numRuns: 20_000, seed: 1, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  });
});
