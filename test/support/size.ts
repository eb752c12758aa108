/** `npm run test:all` runs everything in full size. `npm test` must pass in 90 seconds. */
export const FULL = process.env['TEST_SIZE'] === 'full';

/**
 * How far the store contract races operations on stores that are quick enough for three at a time:
 * that far in `npm run test:all`, with two in `npm test`.
 */
export const DRIVER_DEPTH = FULL ? 'triples' : 'pairs';

/** How many random values and histories the store contract tests on stores that take their time. */
export const RUNS = FULL ? 100 : 20;
