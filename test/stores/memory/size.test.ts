import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../support/measure-memory.ts', import.meta.url));

test('100,000 sessions with owners take at most 400 bytes each beside their data, even after all were replaced by others', {
  timeout: 60_000,
}, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--import', 'tsx', SCRIPT, '100000']);
  const { count, each, eachAfterRenewal } = JSON.parse(stdout);
  expect(count).toBe(100_000);
  expect(each).toBeLessThanOrEqual(400);
  expect(eachAfterRenewal).toBeLessThanOrEqual(400);
});
