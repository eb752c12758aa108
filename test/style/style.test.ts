import { describe, expect, test } from 'vitest';
import { violationsIn } from '../../scripts/style.js';

/** The problems of one line. */
function problemsOf(line: string): string[] {
  return violationsIn(line).map(({ problem }) => problem);
}

describe('the style check', () => {
  test.each([
    '// The listener is told of the end.',
    ' * Whether the store tells why.',
    '/** What a token is to its session. */',
    '// It ends. What follows is dropped.',
    '// The client has to be connected.',
    '// Nobody waits for it.',
    '// The call who asks gets it.',
    '// Loads the session anew.',
    '/** As much of a client as the store needs. */',
    '// That would be dear.',
    '// The store does so by itself.',
    '// Ignores what is no id.',
  ])('finds the phrase in %s', (line) => {
    expect(problemsOf(line)).toHaveLength(1);
  });

  test.each([
    "throw new SessionError('INVALID_OPTION', 'prefix has to be visible');",
    "test('a listener that is told', run);",
    'const now = 1; // The clock has to stand still.',
  ])('finds the phrase in the text of %s', (line) => {
    expect(problemsOf(line)).toHaveLength(1);
  });

  test.each([
    '// What is the newest version?',
    '// The store would have to guess.',
    '// Ends the sessions whose deadline has passed.',
    'const { tells, told, anew } = whom;',
  ])('accepts %s', (line) => {
    expect(problemsOf(line)).toEqual([]);
  });

  test('finds comment lines that end at column 100 or later', () => {
    expect(problemsOf(`// ${'x'.repeat(96)}`)).toEqual([]);
    expect(problemsOf(`// ${'x'.repeat(97)}`)).toEqual(['a comment line of 100 characters']);
  });

  test('finds code lines that are too long, unless a long message makes them so', () => {
    const code = `const value = ${'x + '.repeat(40)}1;`;
    expect(problemsOf(code)).toEqual([`a code line of ${code.length} characters`]);
    expect(problemsOf(`throw new Error('${'x'.repeat(140)}');`)).toEqual([]);
  });

  test('counts lines from 1', () => {
    expect(violationsIn('const a = 1;\n// Loads it anew.\n')).toEqual([{ line: 2, problem: '"anew": say "again"' }]);
  });
});
