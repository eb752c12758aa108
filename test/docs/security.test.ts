import { existsSync, readFileSync, statSync } from 'node:fs';
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
