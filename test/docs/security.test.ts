import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { namedPaths } from './paths.js';

/** A test that a page names: `file` (rule 4), or `file` "the beginning of its title". */
interface NamedTest {
  readonly path: string;
  readonly rule: string | undefined;
  readonly title: string | undefined;
}

const page = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8');

function namedTests(markdown: string): NamedTest[] {
  const found = markdown.matchAll(/`(test\/[\w./-]+)`(?:\s\(rule (\d+)\)|\s"([^"]+)")?/g);
  return [...found].map(([, path = '', rule, title]) => ({ path, rule, title }));
}

function isIn({ path, rule, title }: NamedTest): boolean {
  const text = readFileSync(join(ROOT, path), 'utf8');
  // Titles also stand in tables, from which the tests are made.
  if (rule !== undefined) return new RegExp(`['"\`](?:rule|invariant)s? (?:\\d+(?:,| and) )*${rule}\\b`).test(text);
  return title === undefined || text.includes(title);
}

describe('SECURITY.md', () => {
  const named = namedTests(page);

  test('names only files and folders that exist', () => {
    expect(namedPaths(page).missing).toEqual([]);
    expect(named.length).toBeGreaterThan(20);
  });

  test('names only tests that exist, by their rule or title', () => {
    const files = named.filter(({ path }) => existsSync(join(ROOT, path)) && statSync(join(ROOT, path)).isFile());
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((each) => !isIn(each))).toEqual([]);
  });

  test('shows whatever it calls met by a test', () => {
    const rows = page.split('\n').filter((line) => /^\| 7\..*\| met \|/.test(line));
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.filter((row) => !row.includes('`test/'))).toEqual([]);
  });

  test('a planted name of a test that does not exist is found', () => {
    const [planted] = namedTests('`test/core/record/token.test.ts` (rule 99)');
    expect(planted && isIn(planted)).toBe(false);
    const [other] = namedTests('`test/core/record/token.test.ts` "all tokens are alike"');
    expect(other && isIn(other)).toBe(false);
  });
});

test.each(['README.md', 'SECURITY.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...pages()])('the links of %s lead somewhere', (name) => {
  const text = readFileSync(join(ROOT, name), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);
  expect(links.filter((link) => !leads(name, link))).toEqual([]);
});

function pages(): string[] {
  const names = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
}

/** Whether the target is there, and has the heading that the link names. */
function leads(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? join(ROOT, from) : join(ROOT, from, '..', path);
  if (!existsSync(target)) return false;
  if (anchor === undefined) return true;
  const headings = [...readFileSync(target, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.some((heading) => slug(heading) === anchor);
}

/** As GitHub makes anchors of headings. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}
