import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { OPTIONAL_VERBS } from '../../src/testing/kit/options.js';
import { blocksOf } from './blocks.js';
import { namedPaths } from './paths.js';

const run = promisify(execFile);

/** The guides, each with what it takes for granted: the application that the reader has. */
const PREAMBLES: Readonly<Record<string, string>> = {
  'docs/MIGRATION.md': `
    import type { Express } from 'express';
    import type { CallbackStore } from 'token-sessions/express-store';
    import type { RedisClient } from 'token-sessions/redis';
    declare const app: Express;
    declare const client: RedisClient;
    declare const oldStore: CallbackStore;
  `,
  'docs/writing-a-store.md': '',
  'docs/stores/redis.md': '',
  'docs/stores/postgres.md': '',
  'docs/stores/sqlite.md': '',
  'docs/runtimes.md': '',
};

/** What the host of a guide declares. */
const AMBIENT = `
  declare module 'cloudflare:workers' {
    export const env: { readonly DB: import('token-sessions/sqlite').D1 };
  }
`;

/** A project with the blocks of a guide as its files, beside what is installed here. */
async function withBlocks(guide: string, use: (dir: string) => Promise<void>): Promise<void> {
  const blocks = blocksOf(await readFile(join(ROOT, guide), 'utf8')).filter(({ language }) => language === 'ts');
  expect(blocks.length).toBeGreaterThan(0);
  const dir = await mkdtemp(join(tmpdir(), 'token-sessions-guide-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'] }));
    await writeFile(join(dir, 'ambient.d.ts'), AMBIENT);
    for (const [index, { text, file }] of blocks.entries()) {
      await writeFile(join(dir, file ?? `block-${index}.ts`), PREAMBLES[guide] + text);
    }
    await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test.each(Object.keys(PREAMBLES))('every TypeScript block of %s compiles', { timeout: 60_000 }, async (guide) => {
  await withBlocks(guide, async (dir) => {
    const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', dir]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});

test('the store contract runs under the runner of Node', { timeout: 60_000 }, async () => {
  await withBlocks('docs/writing-a-store.md', async (dir) => {
    const { stdout } = await run(process.execPath, ['--import', 'tsx', '--test', 'my-store.test.ts'], { cwd: dir });
    expect(stdout).toMatch(/^# fail 0$/m);
    expect(stdout).not.toMatch(/^# pass 0$/m);
  });
});

test('docs/writing-a-store.md names every verb of a store', async () => {
  const page = await readFile(join(ROOT, 'docs/writing-a-store.md'), 'utf8');
  expect([...OPTIONAL_VERBS, 'insert', 'find', 'replace', 'delete', 'steps'].filter((verb) => !page.includes(`\`${verb}`))).toEqual([]);
});

test('CONTRIBUTING names only scripts that there are', async () => {
  const manifest: { scripts: object } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const named = (await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8')).matchAll(/npm run ([\w-]+)/g);
  expect([...named].map(([, name = '']) => name).filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
});

test('CONTRIBUTING names only files, and settings of tests, that there are', async () => {
  const page = await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  expect(namedPaths(page).missing).toEqual([]);
  const tests = [...page.matchAll(/npx vitest run ([\w/.-]+)/g)].map(([, path = '']) => path);
  expect(tests.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  const settings = new Set([...page.matchAll(/\b([A-Z]+_?[A-Z]+)=\d/g)].map(([, name = '']) => name));
  const paths = (await readdir(join(ROOT, 'test'), { recursive: true })).filter((path) => path.endsWith('.ts'));
  const code = (await Promise.all(paths.map((path) => readFile(join(ROOT, 'test', path), 'utf8')))).join('\n');
  expect([...settings].filter((name) => !code.includes(`env['${name}']`) && !code.includes(`env.${name}`))).toEqual([]);
});
