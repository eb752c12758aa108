import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { slugOf } from '../../scripts/site/slug.js';
import { pagesOfProject } from './project.js';

const pages = [...(await pagesOfProject()), 'SECURITY.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'examples/README.md'];

test.each(pages)('the links of %s lead somewhere', (page) => {
  expect(linksOf(readFileSync(join(ROOT, page), 'utf8')).filter((link) => !leads(page, link))).toEqual([]);
});

test('every page of docs can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    const links = linksOf(readFileSync(join(ROOT, page), 'utf8')).map((link) =>
      join(page, '..', link.split('#')[0] ?? ''),
    );
    for (const link of links) if (pages.includes(link)) reached.add(link);
  }
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

test.each([
  ['a file that is missing', '[x](missing.md)'],
  ['a heading that is missing', '[x](README.md#no-such-heading)'],
])('a link to %s is found', (_, text) => {
  expect(linksOf(text).filter((link) => !leads('README.md', link))).toHaveLength(1);
});

function linksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^```.*?^```$/gms, '').replaceAll(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link = '']) => link);
}

/** Whether the target is there, and has the heading that the link names. */
function leads(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(ROOT, from) : join(ROOT, from, '..', path);
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.some((heading) => slugOf(heading) === anchor);
}
