import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { memoryStore, type SessionStore } from 'token-sessions';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../scripts/packed.js';
import { RESOLUTIONS, RUNTIMES, TOOLS, TYPESCRIPTS } from '../../scripts/runtimes/list.js';
import { tablesOf, withTables } from '../../scripts/runtimes/table.js';
import { type Check, runChecks, SUITES } from './suite/check.js';
import { coreChecks } from './suite/core-checks.js';
import { honoChecks } from './suite/hono-checks.js';
import { httpChecks } from './suite/http-checks.js';
import { suiteOn } from './suite/suite.js';
import { trpcChecks } from './suite/trpc-checks.js';
import { yogaChecks } from './suite/yoga-checks.js';

const page = await readFile(join(ROOT, 'docs/runtimes.md'), 'utf8');
const checks: Check[] = [...suiteOn(() => ({ store: memoryStore() })), ...httpChecks('')];

/** The cells of the table under a heading, its head first. */
function cellsOf(heading: string): string[][] {
  const [, section = ''] = page.split(`## ${heading}\n\n`);
  const lines = (section.split(/\n\n|\n$/)[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| ---'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe('docs/runtimes.md', () => {
  test('lists every runtime that the script runs, with every check passed', () => {
    const counts = SUITES.map((suite) => String(checks.filter((check) => check.suite === suite).length));
    const [head, ...rows] = cellsOf('Runtimes');
    expect(head).toEqual(['runtime', 'version', ...SUITES]);
    expect(rows.map(([name, , ...cells]) => [name, ...cells])).toEqual(RUNTIMES.map((name) => [name, ...counts]));
    for (const [name, version = ''] of rows) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    for (const [name = '', version = ''] of rows.filter(([name]) => name?.startsWith('Node ')))
      expect(`Node ${version}`).toContain(`${name}.`);
  });

  test('lists every tool', () => {
    const [, ...rows] = cellsOf('Bundlers, CommonJS and Jest');
    expect(rows.map(([name, , what]) => [name, what])).toEqual(TOOLS.map((tool) => [...tool]));
    for (const [name, version = ''] of rows) expect(version, name).toMatch(/^\d+\.\d+/);
  });

  test('lists every TypeScript, each way of resolving', () => {
    const [head, ...rows] = cellsOf('TypeScript');
    expect(head).toEqual(['TypeScript', ...RESOLUTIONS.map((resolution) => `\`${resolution}\``)]);
    expect(rows.map(([version]) => version)).toEqual([...TYPESCRIPTS]);
    for (const [version = '', ...cells] of rows)
      for (const cell of cells) expect(cell.startsWith(`${version}.`), cell).toBe(true);
  });

  test('shows how many failed, and what was not reached', () => {
    const results = [
      { suite: 'core', title: 'a' },
      { suite: 'core', title: 'b', failure: 'it failed' },
    ] as const;
    const report = { runtimes: new Map([['Bun', { version: '1.0.0', results }]]), tools: new Map(), types: new Map() };
    expect(tablesOf(report)).toContain('| Bun | 1.0.0 | 1 of 2 | 0 | 0 | 0 | 0 | 0 |\n| Deno | – |');
    expect(withTables(`${page}rest of an earlier run`, report)).toBe(page.split('<!-- tables')[0] + tablesOf(report));
    expect(() => withTables('no page', report)).toThrow('docs/runtimes.md has no line');
  });
});

const HOSTS = {
  core: (open: () => SessionStore) => coreChecks('core', open),
  tRPC: trpcChecks,
  Yoga: yogaChecks,
  Hono: honoChecks,
};

describe.each(Object.entries(HOSTS))('the suite of %s', (_, checksOn) => {
  test.each(checksOn(() => memoryStore()).map(({ title, run }) => [title, run] as const))('%s', (_title, run) =>
    run(),
  );

  test('finds a store that loses changes', async () => {
    const lossy = (): SessionStore => Object.assign(memoryStore(), { replace: async () => 'replaced' as const });
    const results = await runChecks(checksOn(lossy), 2_000);
    expect(results.filter(({ failure }) => failure !== undefined).length).toBeGreaterThan(0);
  });
});

test('the suite of core finds a store that does not delete', async () => {
  const lasting = (): SessionStore =>
    Object.assign(memoryStore(), { delete: async () => true, deleteByOwner: async () => [] });
  const results = await runChecks(coreChecks('core', lasting), 2_000);
  expect(results.filter(({ failure }) => failure !== undefined).length).toBeGreaterThan(0);
});

test('a check that hangs is a failure, and the next one runs', async () => {
  const hanging: Check = { suite: 'core', title: 'hangs', run: () => new Promise(() => undefined) };
  const results = await runChecks([hanging, { suite: 'core', title: 'passes', run: async () => undefined }], 20);
  expect(results.map(({ title, failure }) => [title, failure?.includes('took longer than 20 ms')])).toEqual([
    ['hangs', true],
    ['passes', undefined],
  ]);
});
