import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  CONSUMER_OPTIONS,
  installPacked,
  linkPackages,
  outputOf,
  pack,
  ROOT,
  TYPESCRIPT_7,
} from '../../scripts/packed.js';
import { blocksOf } from './blocks.js';

/*
 * The recipes of docs/testing.md for Vitest, in a project with the packed package. Those for Jest
 * run in `npm run runtimes`, which installs Jest.
 */

const run = promisify(execFile);
const blocks = blocksOf(await readFile(join(ROOT, 'docs/testing.md'), 'utf8'));
const isOfJest = ({ file = '' }: { readonly file: string | undefined }) => file.includes('jest');
let dir: string;
let project: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'token-sessions-testing-'));
  project = join(dir, 'project');
  await installPacked(project, await pack(dir));
  await linkPackages(project, ['@trpc/server', '@types/node', 'vitest']);
  for (const { file, text } of blocks.filter((block) => !isOfJest(block)))
    await writeFile(join(project, file ?? ''), text);
}, 120_000);

afterAll(() => rm(dir, { recursive: true, force: true }));

test('every block names its file', () => {
  expect(blocks.map(({ file }) => file)).toEqual([
    ...['sessions.ts', 'app.ts', 'app.test.ts'],
    ...['app.jest.ts', 'jest.esm.config.mjs', 'jest.cjs.config.cjs'],
  ]);
});

test('the recipes for Vitest compile', { timeout: 120_000 }, async () => {
  const compilerOptions = { ...CONSUMER_OPTIONS, noEmit: true };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', '.'], { cwd: project }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe('');
});

test('the recipes for Vitest pass', { timeout: 120_000 }, async () => {
  const vitest = join(project, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, NO_COLOR: '1' };
  const output = await run(process.execPath, [vitest, 'run', '--root', project], { cwd: project, env }).then(
    ({ stdout }) => stdout,
    (error: unknown) => outputOf(error),
  );
  const recipes = blocks.find(({ file }) => file === 'app.test.ts')?.text.match(/^test\(/gm)?.length;
  expect(output).toMatch(new RegExp(`Tests\\s+${recipes} passed \\(${recipes}\\)`));
});
