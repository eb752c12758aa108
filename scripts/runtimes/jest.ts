import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { blocksOf } from '../../test/docs/blocks.js';
import { CONSUMER_OPTIONS, installPacked, linkPackages, type Packed, ROOT, TYPESCRIPT_7 } from '../packed.js';
import { versionOf } from './project.js';

/*
 * The recipes of docs/testing.md for Jest, as a user would have them. Jest is installed into the
 * project itself.
 */

const run = promisify(execFile);

export const JEST_PACKAGES = ['jest@30', '@jest/globals@30', '@swc/core@1', '@swc/jest'];

/** How the page says to run each. */
export const JEST_RUNS = {
  'Jest, ES modules': [
    '--experimental-vm-modules',
    'node_modules/jest/bin/jest.js',
    '--config',
    'jest.esm.config.mjs',
  ],
  'Jest, CommonJS': ['node_modules/jest/bin/jest.js', '--config', 'jest.cjs.config.cjs'],
} as const;

/** A project with the blocks of the page as its files, compiled once to check their types. */
export async function makeJestProject(dir: string, packed: Packed): Promise<void> {
  await installPacked(dir, packed);
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--install-links'];
  await run('npm', [...args, ...JEST_PACKAGES], { cwd: dir, maxBuffer: 2 ** 26 });
  await linkPackages(dir, ['@trpc/server', 'vitest']);
  const page = await readFile(join(ROOT, 'docs/testing.md'), 'utf8');
  for (const { file, text } of blocksOf(page)) if (file !== undefined) await writeFile(join(dir, file), text);
  const compilerOptions = { ...CONSUMER_OPTIONS, noEmit: true };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  await run(process.execPath, [TYPESCRIPT_7, '-p', '.'], { cwd: dir });
}

/** Runs the tests, all of which must pass. Answers the version of Jest. */
export async function runJest(dir: string, name: keyof typeof JEST_RUNS): Promise<string> {
  const { stderr } = await run(process.execPath, JEST_RUNS[name], {
    cwd: dir,
    env: { ...process.env, NO_COLOR: '1' },
  });
  // Jest's exit code says whether any failed, but not whether there were any.
  if (!/^Tests:\s+([1-9]\d*) passed, \1 total$/m.test(stderr)) throw new Error(stderr);
  return versionOf(dir, 'jest');
}
