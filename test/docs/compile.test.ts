import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type BlockProject, compileBlocks, errorsIn, pagesOfProject, typescriptOf, writeBlocks } from './project.js';

const pages = await pagesOfProject();
let project: BlockProject;
let errors: readonly string[];

/** One run of the compiler for all pages: most of it goes into the libraries that they share. */
beforeAll(async () => {
  project = await writeBlocks(pages);
  const planted = project.file('planted.md', 'wrong.ts');
  await mkdir(dirname(planted));
  await writeFile(planted, "import { bearer } from 'token-sessions';\nbearer({ respond: 1 });\n");
  errors = await compileBlocks(project);
}, 120_000);

afterAll(() => project.remove());

describe('the TypeScript blocks', () => {
  test.each(pages)('of %s compile', (page) => {
    expect(errorsIn(errors, page)).toEqual([]);
  });

  test('are found by the compiler: a planted error is reported', () => {
    expect(errorsIn(errors, 'planted.md').join()).toContain(
      "Type 'number' is not assignable to type 'string | boolean",
    );
    expect(errors.filter((line) => !line.startsWith('planted/') && !line.startsWith(' '))).toEqual([]);
  });

  test.each(pages)('of %s have names that differ', async (page) => {
    const names = (await typescriptOf(page)).flatMap(({ file }) => file ?? []);
    expect(names).toEqual([...new Set(names)]);
  });
});
