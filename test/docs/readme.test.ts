import { readFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { join } from 'node:path';
import type { Sessions } from 'token-sessions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { OLDEST_TYPESCRIPT, ROOT } from '../../scripts/packed.js';
import { listenInTest } from '../support/http.js';
import { blocksOf } from './blocks.js';
import { type BlockProject, writeBlocks } from './project.js';
import { errorCodes, eventNames, optionNames } from './public-names.js';
import { rowsOf } from './tables.js';

const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
const blocks = blocksOf(readme);
let project: BlockProject;

beforeAll(async () => {
  project = await writeBlocks(['README.md']);
});

afterAll(() => project.remove());

test('is at most 250 lines long, and begins with the example', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(250);
  expect(blocks[0]?.line).toBeLessThanOrEqual(12);
});

test('every block is one that is compiled, run or drawn', () => {
  for (const { language, line } of blocks) expect(['ts', 'sh', 'text'], `line ${line}`).toContain(language);
  const named = blocks
    .filter(({ language }) => language === 'ts')
    .map(({ file, line }) => file ?? `unnamed block in line ${line}`);
  expect(named).toEqual([...new Set(named)]);
  expect(named.filter((name) => !name.endsWith('.ts'))).toEqual([]);
});

describe('every command does what it says', () => {
  const commands = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ text }) => text.trim().split(/\n|&&/));

  test.each([...new Set(commands.map((command) => command.trim()))])('%s', async (command) => {
    const [npm, verb, name = verb] = command.split(' ');
    expect(npm).toBe('npm');
    // This very run is `npm test` after `npm ci`. The demo and the other scripts have their own
    // tests.
    if (verb === 'install') expect(name).toBe(manifest.name);
    else if (verb !== 'ci') expect(Object.keys(manifest.scripts)).toContain(name);
  });
});

test('names every export, option, event and error code', () => {
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  const specifiers = subpaths.map((subpath) => `token-sessions${subpath.slice(1)}`);
  const names = [...specifiers, ...optionNames, ...eventNames, ...errorCodes];
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

test('has one row for each import, and says what it is for', () => {
  const rows = rowsOf(readme, 'what it is for').slice(1);
  const imports = rows.flatMap(([cell = '']) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  expect(imports.toSorted()).toEqual(subpaths.map((subpath) => `token-sessions${subpath.slice(1)}`).toSorted());
});

test('states the oldest TypeScript that is tested', () => {
  expect(readme).toContain(`TypeScript ${OLDEST_TYPESCRIPT}`);
});

describe('the examples run', () => {
  test('tRPC: login, a saved change, a counter, logout', async () => {
    const { server }: { server: Server } = await import(project.file('README.md', 'trpc.ts'));
    const { url } = await listenInTest((req, res) => server.emit('request', req, res));
    const { token } = await trpc(`${url}/login`, null, { name: 'ada' });
    expect(await trpc(`${url}/theme`, token, 'dark')).toBeUndefined();
    await Promise.all([trpc(`${url}/visit`, token, null), trpc(`${url}/visit`, token, null)]);
    expect(await trpc(`${url}/me`, token)).toEqual({ userId: 'ada', views: 2, theme: 'dark' });
    await trpc(`${url}/logout`, token, null);
    await expect(trpc(`${url}/me`, token)).rejects.toThrow('UNAUTHORIZED, UNAUTHENTICATED');
  });

  test('Yoga and Express: a token of the same sessions', async () => {
    const { sessions }: { sessions: Sessions<unknown> } = await import(project.file('README.md', 'trpc.ts'));
    const { yoga }: { yoga: { fetch(url: string, init: RequestInit): Promise<Response> } } = await import(
      project.file('README.md', 'yoga.ts')
    );
    const { app }: { app: RequestListener } = await import(project.file('README.md', 'express.ts'));
    const { token } = await sessions.create({ userId: 'ada' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const body = JSON.stringify({ query: '{ me }' });
    const response = await yoga.fetch('http://localhost/graphql', { method: 'POST', headers, body });
    expect(await response.json()).toEqual({ data: { me: 'ada' } });
    const { url } = await listenInTest(app);
    const visit = async () => (await fetch(`${url}/visit`, { headers })).json();
    expect(await visit()).toMatchObject({ data: { userId: 'ada', views: 1 } });
    expect(await visit()).toMatchObject({ data: { userId: 'ada', views: 2 } });
    expect(await visit()).not.toHaveProperty('token');
    expect((await fetch(`${url}/visit`)).status).toBe(401);
  });
});

/** A call as tRPC's clients make it: a mutation where there is an input. */
async function trpc(url: string, token: string | null, input?: unknown) {
  const response = await fetch(url, {
    headers: { 'content-type': 'application/json', ...(token !== null && { authorization: `Bearer ${token}` }) },
    ...(input !== undefined && { method: 'POST', body: JSON.stringify(input) }),
  });
  const { result, error } = await response.json();
  if (error) throw new Error(`${error.data.code}, ${error.data.sessionCode}`);
  return result.data;
}
