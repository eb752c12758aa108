/**
 * How far the store contract races operations on stores that are quick enough for three at a time:
 * that far in `npm run test:all`, with two in `npm test`.
 */
export const DRIVER_DEPTH = process.env['TEST_SIZE'] === 'full' ? 'triples' : 'pairs';
