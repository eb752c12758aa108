/**
 * The number of operations that the store contract races on fast stores: three in `npm run
 * test:all`, two in `npm test`.
 */
export const DRIVER_DEPTH = process.env['TEST_SIZE'] === 'full' ? 'triples' : 'pairs';
