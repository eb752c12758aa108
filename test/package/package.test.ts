import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import {
  CONSUMERS,
  installPacked,
  linkPackages,
  ownErrors,
  type Packed,
  pack,
  ROOT,
  readTarball,
  TYPESCRIPT_5,
  TYPESCRIPT_7,
} from '../../scripts/packed.js';
import { FULL } from '../support/size.js';

const run = promisify(execFile);

/** The exports of each subpath besides types. */
const EXPORTS: Readonly<Record<string, readonly string[]>> = {
  '.': [
    'SessionError',
    'bearer',
    'cookie',
    'createSessions',
    'header',
    'isSessionError',
    'memoryStore',
    'requireFresh',
    'requireSession',
  ],
  './trpc': ['trpcSessions'],
  './yoga': ['requireFresh', 'requireSession', 'sessionKey', 'useSession'],
  './express': ['expressSessionErrors', 'expressSessions'],
  './apollo': ['apolloSessions'],
  './fastify': ['fastifySessions'],
  './hono': ['honoSessions'],
  './next': ['nextSessions'],
  './redis': ['redisStore'],
  './postgres': ['createTablesSql', 'postgresStore'],
  './sqlite': ['createTablesSql', 'sqliteStore'],
  './express-store': ['expressLegacy', 'expressStore'],
  './client': ['createSessionClient', 'sessionProblem', 'trpcSessionLink'],
  './testing': ['signedIn', 'storeContract'],
};

let dir: string;
let project: string;
let packed: Packed;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'token-sessions-package-'));
  project = join(dir, 'project');
  packed = await pack(dir);
  await installPacked(project, packed);
}, 60_000);

afterAll(() => rm(dir, { recursive: true, force: true }));

/** Runs a module in the consumer's project, in plain node, and answers what it prints. */
async function node(code: string, type: 'module' | 'commonjs' = 'module'): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [`--input-type=${type}`, '-e', code], { cwd: project });
  expect(stderr).toBe('');
  return stdout.trim();
}

test('holds the compiled sources and the documents, and nothing else', async () => {
  const pages = (await readdir(join(ROOT, 'docs'), { recursive: true })).filter((path) => path.endsWith('.md'));
  const documents = [
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    ...pages.map((path) => `docs/${path}`),
    'package.json',
  ];
  expect(packed.files.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path))).toEqual(documents.sort());
  for (const target of Object.values(manifest.exports)) {
    const paths = typeof target === 'string' ? [target] : Object.values(target);
    for (const path of paths) expect(packed.files).toContain(path.slice(2));
  }
});

test('the main entry needs no peer', async () => {
  expect(await readdir(join(project, 'node_modules'))).not.toContain('graphql');
  expect(await node("console.log(Object.keys(await import('token-sessions')).sort().join())")).toBe(
    EXPORTS['.']?.join(),
  );
});

test('signedIn needs no peer: fast-check is loaded where the contract of stores runs', async () => {
  const code = `
    import { createSessions } from 'token-sessions';
    import { signedIn } from 'token-sessions/testing';
    const { context } = await signedIn(createSessions(), { userId: 'ada' });
    console.log(context.session.data.userId);
  `;
  expect(await readdir(join(project, 'node_modules'))).not.toContain('fast-check');
  expect(await node(code)).toBe('ada');
});

describe('with its peers', () => {
  beforeAll(async () => {
    // The applications and examples may use whatever is installed here.
    await linkPackages(project, Object.keys(manifest.devDependencies));
    await cp(join(import.meta.dirname, 'consumer'), join(project, 'consumer'), { recursive: true });
    if (FULL) await cp(join(ROOT, 'examples'), join(project, 'examples'), { recursive: true });
  });

  test('every subpath is listed here', () => {
    expect(Object.keys(manifest.exports)).toEqual([...Object.keys(EXPORTS), './package.json']);
  });

  test('every subpath can be imported, and required, in plain node', async () => {
    const specifiers = Object.keys(EXPORTS).map((subpath) => `token-sessions${subpath.slice(1)}`);
    const list = JSON.stringify(specifiers);
    const imported = `for (const each of ${list}) console.log(Object.keys(await import(each)).sort().join());`;
    const required = `for (const each of ${list}) console.log(Object.keys(require(each)).sort().join());`;
    const names = Object.values(EXPORTS).map((each) => each.join());
    expect((await node(imported)).split('\n')).toEqual(names);
    expect((await node(required, 'commonjs')).split('\n')).toEqual(names);
  });

  test('what is inside cannot be imported', async () => {
    await expect(node("await import('token-sessions/dist/core/kernel.js')")).rejects.toThrow(
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    );
  });

  // Each takes a core for some seconds. `npm run runtimes` has more of them.
  const more = [
    ['TypeScript 7', 'nodenext', TYPESCRIPT_7, 'examples'],
    ['TypeScript 7', 'bundler', TYPESCRIPT_7, 'consumer'],
    ['TypeScript 5', 'nodenext', TYPESCRIPT_5, 'consumer'],
  ] as const;
  // The last one: what it makes of the applications is run below.
  test.each([...(FULL ? more : []), ['TypeScript 7', 'nodenext', TYPESCRIPT_7, 'consumer'] as const])(
    '%s with moduleResolution %s checks what uses the package',
    { timeout: 180_000 },
    async (_, moduleResolution, tsc, folder) => {
      await rm(join(project, 'out'), { recursive: true, force: true });
      const common = {
        target: 'es2022',
        strict: true,
        experimentalDecorators: true,
        types: ['node'],
        rootDir: '.',
        outDir: 'out',
      };
      const compilerOptions =
        moduleResolution === 'bundler'
          ? { ...common, module: 'esnext', moduleResolution, lib: ['es2023', 'dom'] }
          : { ...common, module: 'nodenext', lib: ['es2023'] };
      await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: [folder] }));
      const { stdout } = await run(process.execPath, [tsc, '-p', '.'], { cwd: project }).catch(
        (error: { stdout: string }) => error,
      );
      // Without skipLibCheck the declarations of the package are checked as well.
      expect(ownErrors(stdout)).toEqual([]);
      expect(await readdir(join(project, 'out'))).toEqual([folder]);
    },
  );

  test.each(CONSUMERS)('the application %s runs as compiled', async (name) => {
    expect(await node(`await import('./out/consumer/${name}.js')`)).toBe('');
  });
});

test('publint finds nothing to say', async () => {
  const { buffer } = await readTarball(packed);
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  expect(messages).toEqual([]);
});

test('the types are right for every way of resolving them that knows ES modules', async () => {
  const analysis = await checkPackage(createPackageFromTarballData(await readTarball(packed)));
  if (!analysis.types) throw new Error('the package has no types');
  // Resolution before `exports` cannot see subpaths, and CommonJS gets an ES module, by design.
  const byDesign = (problem: (typeof analysis.problems)[number]) =>
    'resolutionKind' in problem && (problem.resolutionKind === 'node10' || problem.kind === 'CJSResolvesToESM');
  expect(analysis.problems.filter((problem) => !byDesign(problem))).toEqual([]);
});

test('the lock file names no registry', async () => {
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  expect(lock).not.toMatch(/"resolved":|https?:\/\/[^"]*registry/);
});
