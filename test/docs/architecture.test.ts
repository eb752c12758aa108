import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { namedPaths } from './paths.js';

const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');

/** A section of the page, by its heading. */
function section(heading: string): string {
  return page.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
}

/** Every folder below `src`, as a path from there. */
function folders(under = ''): string[] {
  const entries = readdirSync(join(ROOT, 'src', under), { withFileTypes: true });
  return entries.filter((each) => each.isDirectory()).map(({ name }) => (under ? `${under}/${name}` : name));
}

describe('docs/architecture.md', () => {
  test('opens with at most ten words, and the code has each of them', () => {
    const rows = section('Ten words')
      .split('\n')
      .filter((line) => /^\| (?!word|---)/.test(line));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.length).toBeLessThanOrEqual(10);
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    );
    const code = sources.map((path) => readFileSync(join(ROOT, 'src', path), 'utf8')).join('\n');
    const names = rows.flatMap((row) => /`([A-Z]\w+)` \|$/.exec(row)?.[1] ?? []);
    expect(names.filter((name) => !new RegExp(`(?:class|interface|type) ${name}\\b`).test(code))).toEqual([]);
  });

  test('has every folder of the sources on its map', () => {
    const map = section('The map');
    const drawn = [...map.matchAll(/^( {2,})([\w-]+)\/ /gm)].map(([, , name = '']) => name);
    expect(folders().filter((name) => !drawn.includes(name))).toEqual([]);
    expect(folders('core').filter((path) => !drawn.includes(path.replace('core/', '')))).toEqual([]);
  });

  test('names only files and folders that exist', () => {
    expect(namedPaths(page).missing).toEqual([]);
  });

  test('has the rules 1 to 28 in order', () => {
    const numbers = [...section('The rules').matchAll(/^(\d+)\. \*\*/gm)].map(([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 28 }, (_, index) => index + 1));
  });
});
