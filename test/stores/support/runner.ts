import { describe, it } from 'vitest';
import type { TestRunner } from '../../../src/testing/index.js';
import { FULL } from '../../support/size.js';

const TIMEOUT = 600_000;

/** Runs the whole store contract. Databases take their time. */
export const RUNNER: TestRunner = { describe, it: (name: string, run: () => Promise<void>) => it(name, run, TIMEOUT) };

/** The parts of the contract that are most of its work. */
const LONG = /^(races|steps$)/;

/**
 * Runs the store contract on a variant of a store whose main one has {@link RUNNER}. The variant
 * sends the same statements, so the long parts run on it only in `npm run test:all`.
 */
export const VARIANT_RUNNER: TestRunner = {
  ...RUNNER,
  describe: (name: string, define: () => void) =>
    FULL || !LONG.test(name) ? describe(name, define) : describe.skip(name, define),
};
