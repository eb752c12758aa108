import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { blocksOf } from '../docs/blocks.js';

/**
 * What the page takes for granted: the reader's server, and a package that is not installed here.
 */
const SURROUNDINGS = {
  'router.ts': `
    import { initTRPC } from '@trpc/server';
    const t = initTRPC.create();
    const credentials = (value: unknown): { name: string; password: string } => {
      if (typeof value !== 'object' || value === null || !('name' in value) || !('password' in value)) throw new Error('no credentials');
      return { name: String(value.name), password: String(value.password) };
    };
    const router = t.router({
      me: t.procedure.query(() => ({ name: 'ada' })),
      login: t.procedure.input(credentials).mutation(({ input }) => ({ token: input.name })),
      logout: t.procedure.mutation(() => {}),
    });
    export type AppRouter = typeof router;
  `,
  'modules.d.ts': `
    declare module 'expo-secure-store' {
      export function getItemAsync(key: string): Promise<string | null>;
      export function setItemAsync(key: string, value: string): Promise<void>;
      export function deleteItemAsync(key: string): Promise<void>;
    }
  `,
};

test('every TypeScript block of docs/client.md compiles', { timeout: 60_000 }, async () => {
  const blocks = blocksOf(await readFile(join(ROOT, 'docs/client.md'), 'utf8'));
  expect(blocks.map(({ language, file }) => language === 'ts' && file !== undefined)).toEqual(blocks.map(() => true));
  const dir = await mkdtemp(join(tmpdir(), 'token-sessions-client-docs-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
    await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
    const compilerOptions = { lib: ['ES2023', 'DOM', 'DOM.Iterable'], exactOptionalPropertyTypes: false };
    await writeFile(
      join(dir, 'tsconfig.json'),
      JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'] }),
    );
    for (const [name, text] of Object.entries(SURROUNDINGS)) await writeFile(join(dir, name), text);
    for (const { file, text } of blocks) if (file) await writeFile(join(dir, file), text);
    const compile = promisify(execFile)(process.execPath, [TYPESCRIPT_7, '-p', dir]);
    const { stdout } = await compile.catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
