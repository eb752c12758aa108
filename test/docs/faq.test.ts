import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';

const page = readFileSync(join(ROOT, 'docs/faq.md'), 'utf8');
const quoted = [...page.matchAll(/^### "(.+)"$/gm)].map(([, message = '']) => message);

/** The texts of the sources, with messages that go over several lines joined. */
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map((path) => readFileSync(join(ROOT, 'src', path), 'utf8').replaceAll(/['`"] \+\n\s*['`"]/g, ''))
  .join('\n');

describe('docs/faq.md', () => {
  test('quotes messages that the library has', () => {
    expect(quoted.length).toBeGreaterThan(30);
    expect(quoted.filter((message) => !sources.includes(message))).toEqual([]);
  });

  test('quotes no message twice', () => {
    expect(quoted).toEqual([...new Set(quoted)]);
  });

  test('a planted message that the library does not have is found', () => {
    expect(sources).not.toContain('the moon is in the wrong house');
  });
});
