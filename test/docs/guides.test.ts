import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { blocksOf } from './blocks.js';

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
  'docs/stores/redis.md': '',
  'docs/stores/postgres.md': '',
  'docs/stores/sqlite.md': '',
};

test.each(Object.keys(PREAMBLES))('every TypeScript block of %s compiles', { timeout: 60_000 }, async (guide) => {
  const blocks = blocksOf(await readFile(join(ROOT, guide), 'utf8')).filter(({ language }) => language === 'ts');
  expect(blocks.length).toBeGreaterThan(0);
  const dir = await mkdtemp(join(tmpdir(), 'token-sessions-guide-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'] }));
    for (const [index, { text }] of blocks.entries()) await writeFile(join(dir, `block-${index}.ts`), PREAMBLES[guide] + text);
    const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', dir]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

test('CONTRIBUTING names only scripts that there are', async () => {
  const manifest: { scripts: object } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const named = (await readFile(join(ROOT, 'CONTRIBUTING.md'), 'utf8')).matchAll(/npm run ([\w-]+)/g);
  expect([...named].map(([, name = '']) => name).filter((name) => !Object.hasOwn(manifest.scripts, name))).toEqual([]);
});
