import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import manifest from '../package.json' with { type: 'json' };

/**
 * The package as its users get it: built and packed outside the work tree, then installed into an
 * empty project.
 */

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const TYPESCRIPT_7 = join(ROOT, 'node_modules/typescript/bin/tsc');
export const TYPESCRIPT_5 = join(ROOT, 'node_modules/typescript5/bin/tsc');

/**
 * The oldest compiler that accepts the declarations without skipLibCheck. `npm run runtimes` tests
 * it.
 */
export const OLDEST_TYPESCRIPT = '5.0';

/**
 * The applications in test/package/consumer, and what they use besides the package and its hosts.
 */
export const CONSUMERS = ['core', 'trpc', 'yoga', 'express', 'hosts', 'stores'];
export const CONSUMER_PACKAGES = [
  'zod',
  'express',
  '@types/express',
  '@types/node',
  'hono',
  'fastify',
  '@apollo/server',
  'next',
  'react',
  'react-dom',
  'pg',
  '@types/pg',
  'libsql',
  'redis',
  'ioredis',
];

const BUILD_INPUTS = [
  'src',
  'docs',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'LICENSE',
];

const run = promisify(execFile);

export interface Packed {
  readonly tarball: string;
  /** Paths in the package, in order. */
  readonly files: readonly string[];
}

/**
 * Builds and packs the package into `dir`. Needs no network, and does not change the `dist` of the
 * work tree.
 */
export async function pack(dir: string): Promise<Packed> {
  const stage = join(dir, 'stage');
  for (const input of BUILD_INPUTS) await cp(join(ROOT, input), join(stage, input), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(stage, 'node_modules'));
  await run(process.execPath, [TYPESCRIPT_7, '-p', 'tsconfig.build.json'], { cwd: stage });
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir], {
    cwd: stage,
  });
  const [packed]: { filename: string; files: { path: string }[] }[] = JSON.parse(stdout);
  if (!packed) throw new Error('npm pack made no package');
  return { tarball: join(dir, packed.filename), files: packed.files.map(({ path }) => path).sort() };
}

/** The compiler options of a project that uses the package. */
export const CONSUMER_OPTIONS = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  skipLibCheck: true,
  types: ['node'],
};

/**
 * Makes a project in `dir` and installs the package with npm, offline. Its dependencies come from
 * this work tree.
 */
export async function installPacked(dir: string, { tarball }: Packed): Promise<void> {
  await mkdir(dir, { recursive: true });
  const own = Object.keys(manifest.dependencies).map((name) => [name, `file:${join(ROOT, 'node_modules', name)}`]);
  const dependencies = Object.fromEntries([['token-sessions', `file:${tarball}`], ...own]);
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module', dependencies }),
  );
  await run('npm', ['install', '--offline', '--install-links', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: dir,
  });
}

/** Makes packages of this work tree available to the project, under their names here. */
export async function linkPackages(dir: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const link = join(dir, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
}

/** Makes a temporary folder for `use`, and removes it afterwards. */
export async function withTempDir<Result>(use: (dir: string) => Promise<Result>): Promise<Result> {
  const dir = await mkdtemp(join(tmpdir(), 'token-sessions-'));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function readTarball({ tarball }: Packed): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await readFile(tarball));
}

/** The output of a command that failed. Its error does not contain it. */
export function outputOf(error: unknown): string {
  const output = (name: string) => (error instanceof Error ? String(Reflect.get(error, name) ?? '') : '');
  return `${output('stdout')}${output('stderr')}` || String(error);
}

/**
 * The compiler's errors, except those in the declarations of peers, which this project cannot fix.
 */
export function ownErrors(stdout: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => line.includes('error TS') && !/^[^(]*node_modules\/(?!token-sessions\/)/.test(line));
}

/** The line of Vitest's output that counts the tests. */
export function testsLine(output: string): string {
  return /^\s*Tests\s.*$/m.exec(output)?.[0].trim() ?? output;
}
