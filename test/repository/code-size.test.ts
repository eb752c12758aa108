import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourcePaths, tooLong } from '../../scripts/code-size.js';
import { ROOT } from '../../scripts/packed.js';

test('files have at most 300 lines and functions 60, unless a comment says why', () => {
  const found = sourcePaths().flatMap((path) => tooLong(path, readFileSync(join(ROOT, path), 'utf8')));
  expect(found).toEqual([]);
});

const lines = (count: number) => 'work();\n'.repeat(count);

test('planted: a long file and a long function are found', () => {
  expect(tooLong('a.ts', `import 'b';\n${lines(300)}`)).toEqual(['a.ts:1: a file of 301 lines']);
  expect(tooLong('a.ts', `import 'b';\n${lines(299)}`)).toEqual([]);
  expect(tooLong('a.ts', `// All in one file: it is a list.\nimport 'b';\n${lines(300)}`)).toEqual([]);
  expect(tooLong('a.ts', `const a = 1;\nfunction long() {\n${lines(59)}}\n`)).toEqual([
    'a.ts:2: a function of 61 lines',
  ]);
  expect(tooLong('a.ts', `function short() {\n${lines(58)}}\n`)).toEqual([]);
  expect(tooLong('a.ts', `// All in one function: it is a table.\nfunction long() {\n${lines(59)}}\n`)).toEqual([]);
});

test('functions that only list tests may be long, the tests may not', () => {
  expect(tooLong('a.ts', `describe('a suite', () => {\n${lines(60)}});\n`)).toEqual([]);
  expect(tooLong('a.ts', `function touchTests() {\n${lines(60)}}\n`)).toEqual([]);
  expect(tooLong('a.ts', `test('a test', () => {\n${lines(60)}});\n`)).toEqual(['a.ts:1: a function of 62 lines']);
});
