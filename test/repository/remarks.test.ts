import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';

const folder = mkdtempSync(join(tmpdir(), 'token-sessions-remarks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SUITE = `
  let tries = 0;
  test('is right', () => expect(1).toBe(1));
  test('needs two tries', () => expect(++tries).toBe(2));
  test('is wrong', () => expect(1).toBe(2));
  describe('a group', () => {
    beforeAll(() => { throw new Error('no server'); });
    test('is never run', () => undefined);
  });
`;

/** The remarks that `.ci/run` makes about these files at its end. */
function remarksOn(files: Record<string, string>): string[] {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const REMARKS = join(folder, 'remarks.txt');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const options = ['--root', folder, '--globals', '--retry=2', '--reporter', join(ROOT, '.ci/remarks.mjs')];
  spawnSync(process.execPath, [vitest, 'run', ...options], { cwd: folder, env: { ...process.env, REMARKS } });
  return readFileSync(REMARKS, 'utf8').trim().split('\n');
}

test('names what failed, and what passed only when it was tried again', () => {
  const remarks = remarksOn({ 'some.test.mjs': SUITE, 'broken.test.mjs': "throw new Error('is broken');" });
  expect(remarks.sort()).toEqual([
    expect.stringMatching(/^ {2}before: expected 1 to be 2 .*some\.test\.mjs:4\)$/),
    expect.stringMatching(/^failed to load: broken\.test\.mjs: is broken/),
    expect.stringMatching(/^failed: some\.test\.mjs > a group: no server/),
    expect.stringMatching(/^failed: some\.test\.mjs > is wrong: expected 1 to be 2 .*some\.test\.mjs:5\)$/),
    'passed when tried again: some.test.mjs > needs two tries',
  ]);
});
