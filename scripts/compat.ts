import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import {
  CONSUMER_OPTIONS,
  CONSUMER_PACKAGES,
  CONSUMERS,
  installPacked,
  linkPackages,
  outputOf,
  type Packed,
  pack,
  ROOT,
  TYPESCRIPT_7,
  testsLine,
  withTempDir,
} from './packed.js';

/*
 * Tests the package with the oldest and the newest peers that package.json allows. It type-checks
 * and runs the applications of test/package on the packed package, and runs the tests of the
 * adapters on the sources. Peers are installed from the registry, into copies.
 */

const run = promisify(execFile);
const HOSTS = ['@trpc/server', 'graphql', 'graphql-yoga'] as const;

/** The oldest peer is `16.0.0` for the range `^16.0.0 || ^17.0.0`, the newest `^17.0.0`. */
function versions(which: 'oldest' | 'newest'): string[] {
  return HOSTS.map((name) => {
    const alternatives = manifest.peerDependencies[name].split(' || ');
    return `${name}@${which === 'oldest' ? alternatives[0]?.replace('^', '') : alternatives.at(-1)}`;
  });
}

async function npmInstall(cwd: string, packages: readonly string[]): Promise<void> {
  // Other development dependencies may not support these versions.
  await run(
    'npm',
    ['install', '--no-save', '--legacy-peer-deps', '--ignore-scripts', '--no-audit', '--no-fund', ...packages],
    { cwd },
  );
}

/** Type-checks and runs the applications of test/package with these peers. */
async function checkConsumers(dir: string, packed: Packed, peers: readonly string[]): Promise<void> {
  await installPacked(dir, packed);
  await npmInstall(dir, peers);
  await linkPackages(dir, CONSUMER_PACKAGES);
  await cp(join(ROOT, 'test/package/consumer'), join(dir, 'consumer'), { recursive: true });
  const compilerOptions = { ...CONSUMER_OPTIONS, rootDir: '.', outDir: 'out' };
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['consumer'] }));
  await run(process.execPath, [TYPESCRIPT_7, '-p', '.'], { cwd: dir });
  for (const name of CONSUMERS) await run(process.execPath, [join('out/consumer', `${name}.js`)], { cwd: dir });
}

/** Runs the tests of the adapters in a copy of the work tree with these peers. */
async function runAdapterTests(dir: string, peers: readonly string[]): Promise<string> {
  for (const path of [
    'src',
    'test',
    // The tests serve GraphQL over sockets as the playground does.
    'examples/playground/server/graphql-sockets.ts',
    'package.json',
    'package-lock.json',
    '.npmrc',
    'tsconfig.json',
    'vitest.config.ts',
  ]) {
    await cp(join(ROOT, path), join(dir, path), { recursive: true });
  }
  await run('cp', ['-a', join(ROOT, 'node_modules'), dir]);
  await npmInstall(dir, peers);
  // The tests use the client that they were written for, which requires the server of its version.
  const client = join(dir, 'node_modules/@trpc/client/node_modules/@trpc');
  await mkdir(client, { recursive: true });
  await cp(join(ROOT, 'node_modules/@trpc/server'), join(client, 'server'), { recursive: true });
  const { stdout } = await run(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', 'test/adapters/trpc', 'test/adapters/yoga'],
    {
      cwd: dir,
      env: { ...process.env, NO_COLOR: '1' },
      maxBuffer: 2 ** 26,
    },
  );
  return testsLine(stdout);
}

async function installed(dir: string): Promise<string> {
  const found = HOSTS.map(async (name) => {
    const { version }: { version: string } = JSON.parse(
      await readFile(join(dir, 'node_modules', name, 'package.json'), 'utf8'),
    );
    return `${name} ${version}`;
  });
  return (await Promise.all(found)).join(', ');
}

await withTempDir(async (dir) => {
  const packed = await pack(dir);
  for (const which of ['oldest', 'newest'] as const) {
    const project = join(dir, which);
    const copy = join(dir, `${which}-copy`);
    try {
      await checkConsumers(project, packed, versions(which));
      console.log(`${which} peers (${await installed(project)}): the types are right, and the applications run`);
      console.log(`${which} peers: ${await runAdapterTests(copy, versions(which))}`);
    } catch (error) {
      console.error(`${which} peers (${versions(which).join(', ')}) FAILED\n${outputOf(error)}`);
      process.exitCode = 1;
    }
  }
});
