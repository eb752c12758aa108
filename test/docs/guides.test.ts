import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { OPTIONAL_VERBS } from '../../src/testing/kit/options.js';
import { namedPaths } from './paths.js';
import { typescriptOf, writeBlocks } from './project.js';

const run = promisify(execFile);

/**
 * Pages whose blocks are tests themselves. All run in one process, because most time is its start.
 */
const TESTS = ['docs/writing-a-store.md'];

test('the tests on pages pass under the runner of Node', { timeout: 60_000 }, async () => {
  const project = await writeBlocks(TESTS);
  try {
    const files = await Promise.all(TESTS.map(testFilesOf));
    const imports = files.flat().map(([page, name]) => `import '${project.file(page, name)}';\n`);
    expect(imports.length).toBeGreaterThan(0);
    await writeFile(join(project.dir, 'all.ts'), imports.join(''));
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--test-reporter=tap', 'all.ts'], {
      cwd: project.dir,
    });
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).toContain('ok 1 - the store contract');
  } finally {
    await project.remove();
  }
});

async function testFilesOf(page: string): Promise<(readonly [page: string, name: string])[]> {
  return (await typescriptOf(page)).flatMap(({ file }) => (file?.endsWith('.test.ts') ? [[page, file] as const] : []));
}

test('docs/writing-a-store.md names every verb of a store', async () => {
  const page = await readFile(join(ROOT, 'docs/writing-a-store.md'), 'utf8');
  expect(
    [...OPTIONAL_VERBS, 'insert', 'find', 'replace', 'delete', 'steps'].filter((verb) => !page.includes(`\`${verb}`)),
  ).toEqual([]);
});

test('CONTRIBUTING names only files, and settings of tests, that there are', async () => {
  const page = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  expect(namedPaths(page).missing).toEqual([]);
  const tests = [...page.matchAll(/npx vitest run ([\w/.-]+)/g)].map(([, path = '']) => path);
  expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  const settings = new Set([...page.matchAll(/\b([A-Z]+_?[A-Z]+)=\d/g)].map(([, name = '']) => name));
  const paths = (await readdir(join(ROOT, 'test'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const code = (await Promise.all(paths.map((path) => readFile(join(ROOT, 'test', path), 'utf8')))).join('\n');
  expect([...settings].filter((name) => !code.includes(`env['${name}']`) && !code.includes(`env.${name}`))).toEqual(
    [],
  );
});
