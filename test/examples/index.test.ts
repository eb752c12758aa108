import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';

const page = readFileSync(join(ROOT, 'examples/README.md'), 'utf8');
const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);

test('the index lists every example', () => {
  const folders = readdirSync(join(ROOT, 'examples'), { withFileTypes: true }).filter((each) => each.isDirectory());
  expect(folders.length).toBeGreaterThan(10);
  expect(folders.map(({ name }) => name).filter((name) => !links.some((link) => link.startsWith(`${name}/`)))).toEqual(
    [],
  );
});

test('the index links to files that exist, and names commands that exist', () => {
  expect(links.filter((link) => !existsSync(join(ROOT, 'examples', link)))).toEqual([]);
  const scripts = [...page.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
  expect(scripts.filter((name) => !Object.keys(manifest.scripts).includes(name))).toEqual([]);
  const programs = [...page.matchAll(/npx tsx (\S+\.ts)/g)].map(([, path = '']) => path);
  expect(programs.length).toBeGreaterThan(0);
  expect(programs.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
