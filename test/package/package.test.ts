import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publint } from 'publint';
import { beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { linkPackages, ROOT, readTarball } from '../../scripts/packed.js';
import { installedPackage } from './support.js';

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

const installed = installedPackage();
const { node } = installed;

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
  expect(installed.packed.files.filter((path) => !/^dist\/.*\.(js|d\.ts)$/.test(path))).toEqual(documents.sort());
  for (const target of Object.values(manifest.exports)) {
    const paths = typeof target === 'string' ? [target] : Object.values(target);
    for (const path of paths) expect(installed.packed.files).toContain(path.slice(2));
  }
});

test('the main entry needs no peer', async () => {
  expect(await readdir(join(installed.project, 'node_modules'))).not.toContain('graphql');
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
  expect(await readdir(join(installed.project, 'node_modules'))).not.toContain('fast-check');
  expect(await node(code)).toBe('ada');
});

describe('with its peers', () => {
  beforeAll(() => linkPackages(installed.project, Object.keys(manifest.devDependencies)));

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
});

test('publint finds nothing to say', async () => {
  const { buffer } = await readTarball(installed.packed);
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  expect(messages).toEqual([]);
});

test('the lock file names no registry', async () => {
  const lock = await readFile(join(ROOT, 'package-lock.json'), 'utf8');
  expect(lock).not.toMatch(/"resolved":|https?:\/\/[^"]*registry/);
});
