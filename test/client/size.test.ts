import { expect, test } from 'vitest';
import { CLIENT_BUDGET, measureClient } from '../../scripts/size.js';

test('the client takes at most 3 kB, minified and gzipped', async () => {
  expect(await measureClient()).toBeLessThanOrEqual(CLIENT_BUDGET);
});

test('an application that imports one part loads no other', async () => {
  const all = await measureClient();
  expect(await measureClient("export { sessionProblem } from './src/client/index.ts';")).toBeLessThan(all / 3);
  expect(await measureClient("export { trpcSessionLink } from './src/client/index.ts';")).toBeLessThan(all / 3);
});
