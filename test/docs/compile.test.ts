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
  // The second page has options of its own.
  for (const page of ['planted.md', 'docs/hosts/next.md']) {
    const planted = project.file(page, 'wrong.ts');
    await mkdir(dirname(planted), { recursive: true });
    await writeFile(planted, "import { bearer } from 'token-sessions';\nbearer({ respond: 1 });\n");
  }
  errors = await compileBlocks(project);
}, 120_000);

afterAll(() => project.remove());

describe('the TypeScript blocks', () => {
  test.each(pages)('of %s compile', (page) => {
    expect(errorsIn(errors, page).filter((line) => !line.includes('wrong.ts'))).toEqual([]);
  });

  test('are found by the compiler: a planted error is reported', () => {
    for (const page of ['planted.md', 'docs/hosts/next.md'])
      expect(errorsIn(errors, page).join()).toContain("Type 'number' is not assignable to type 'string | boolean");
    expect(errors.filter((line) => !line.includes('/wrong.ts(') && !line.startsWith(' '))).toEqual([]);
  });

  test.each(pages)('of %s have names that differ', async (page) => {
    const names = (await typescriptOf(page)).flatMap(({ file }) => file ?? []);
    expect(names).toEqual([...new Set(names)]);
  });
});
