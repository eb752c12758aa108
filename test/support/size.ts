/** `npm run test:all` runs everything in full size. `npm test` must pass in 90 seconds. */
export const FULL = process.env['TEST_SIZE'] === 'full';

/**
 * The number of operations that the store contract races on fast stores: three in `npm run
 * test:all`, two in `npm test`.
 */
export const DRIVER_DEPTH = FULL ? 'triples' : 'pairs';

/** How many random values and histories the store contract tests on slower stores. */
export const RUNS = FULL ? 100 : 20;
