import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourcePaths } from '../../scripts/code-size.js';
import { equivalents, isAbout } from '../../scripts/mutants/equivalent.js';
import { isProgram, mutantsOf, mutated } from '../../scripts/mutants/mutate.js';
import { testsOf } from '../../scripts/mutants/tests-of.js';
import { ROOT } from '../../scripts/packed.js';

/** A source with each of its mutants. */
const changed = (text: string): string[] => mutantsOf('a.ts', text).map((mutant) => mutated(text, mutant));

test.each<[string, string[]]>([
  ['if (a) b();', ['if (!(a)) b();', 'if (a) ;']],
  ['if (!a) return;', [';', 'if (a) return;', 'if (!a) ;']],
  ['x = a && b;', [';', 'x = a || b;']],
  ['const x = a ?? b;', ['const x = (a && b);']],
  ['const x = a < b;', ['const x = a <= b;']],
  ['const x = a === b ? c : d;', ['const x = a !== b ? c : d;']],
  ['const x = a + b;', ['const x = a - b;']],
  ["const x = a + '.';", ["const x = a + '';"]],
  ['const x = a?.b?.[c]?.(d);', ['const x = a.b?.[c]?.(d);', 'const x = a?.b[c]?.(d);', 'const x = a?.b?.[c](d);']],
  ['const f = () => a;', ['const f = () => undefined;']],
  ['const f = function () { return undefined; };', ['const f = function () { ; };']],
  [
    'const x = [true, 7, "", "a text"];',
    [
      'const x = [false, 7, "", "a text"];',
      'const x = [true, 8, "", "a text"];',
      'const x = [true, 7, \'mutant\', "a text"];',
    ],
  ],
  ["type A = 'a' | 1; interface B { c: true }", []],
])('%s', (text, expected) => {
  expect(changed(text).sort()).toEqual([...expected].sort());
});

test('a mutant that is no program is left out', () => {
  expect(isProgram('const x = a ?? (b && c);')).toBe(true);
  expect(isProgram('const x = a ?? b && c;')).toBe(false);
});

test('each listed mutant is one of the source, and has a reason', () => {
  const stale = equivalents().filter((entry) => {
    const text = readFileSync(join(ROOT, entry.path), 'utf8');
    return entry.reason === '' || !mutantsOf(entry.path, text).some((mutant) => isAbout(entry, mutant, text));
  });
  expect(stale).toEqual([]);
});

test('each source file has tests to run for its mutants, but for the kit, which is a test itself', () => {
  const sources = sourcePaths().filter((path) => path.startsWith('src/') && !path.startsWith('src/testing/'));
  expect(sources.filter((path) => testsOf(path).near.length === 0)).toEqual([]);
});
