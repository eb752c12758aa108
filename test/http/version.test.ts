import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { VERSION } from '../../src/version.js';

test("the version in the code is the package's", () => {
  expect(VERSION).toBe(manifest.version);
});

test('the change log begins with the version of the package', async () => {
  const log = await readFile(new URL('../../CHANGELOG.md', import.meta.url), 'utf8');
  expect(/^## (\S+)$/m.exec(log)?.[1]).toBe(manifest.version);
});
