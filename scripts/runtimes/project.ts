import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { installPacked, linkPackages, type Packed, ROOT } from '../packed.js';
import type { Runtime } from './list.js';

const run = promisify(execFile);

const SUITE = join(ROOT, 'test/runtimes/suite');

/** The packages that the suite uses besides this one. */
const SUITE_PACKAGES = [
  '@trpc/server',
  '@trpc/client',
  'graphql',
  'graphql-yoga',
  'hono',
  '@hono/node-server',
  'zod',
  'fast-check',
  'libsql',
];

/** Installs packages of the registry into a project of their own. Runs no install scripts. */
export async function installTools(dir: string, packages: readonly string[]): Promise<void> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'package.json'), '{ "private": true }');
  await run(
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps', ...packages],
    {
      cwd: dir,
      maxBuffer: 2 ** 26,
    },
  );
}

/** The binary of a runtime that was installed under its name without blanks. */
export function binaryOf(tools: string, runtime: Runtime): string {
  return join(tools, 'node_modules', aliasOf(runtime), runtime.binary);
}

/** Several versions of one package stand beside each other under names of their own. */
export function specifierOf(runtime: Runtime): string {
  return `${aliasOf(runtime)}@npm:${runtime.package}`;
}

function aliasOf({ name }: Runtime): string {
  return name.toLowerCase().replaceAll(' ', '-');
}

/** A project with the packed package, and the suite as JavaScript in `suite`. */
export async function makeProject(dir: string, packed: Packed): Promise<void> {
  await installPacked(dir, packed);
  await linkPackages(dir, SUITE_PACKAGES);
  for (const path of await readdir(SUITE, { recursive: true })) {
    if (!path.endsWith('.ts') || path.endsWith('.d.ts')) continue;
    const { code } = await transform(await readFile(join(SUITE, path), 'utf8'), {
      loader: 'ts',
      format: 'esm',
      target: 'es2022',
    });
    await write(join(dir, 'suite', path.replace(/\.ts$/, '.js')), code);
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** The version of an installed package. */
export async function versionOf(dir: string, name: string): Promise<string> {
  const { version }: { version: string } = JSON.parse(
    await readFile(join(dir, 'node_modules', name, 'package.json'), 'utf8'),
  );
  return version;
}
