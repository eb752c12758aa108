import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Duration, memoryStore, SessionError, type SessionErrorCode, type Sessions } from 'token-sessions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { OLDEST_TYPESCRIPT, ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { parseDuration } from '../../src/core/duration.js';
import { normaliseOptions } from '../../src/core/kernel/settings.js';
import { blocksOf } from './blocks.js';

const run = promisify(execFile);
const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
const blocks = blocksOf(readme);
let dir: string;

/** The code blocks as files of one project, beside what is installed here. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'token-sessions-readme-'));
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'package.json'), '{ "type": "module" }');
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), include: ['*.ts'] }));
  for (const { file, text } of blocks) if (file) await writeFile(join(dir, file), text);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

test('is at most 250 lines long, and begins with the example', () => {
  expect(readme.split('\n').length).toBeLessThanOrEqual(250);
  expect(blocks[0]?.line).toBeLessThanOrEqual(12);
});

test('every block is one that is compiled, run or drawn', () => {
  for (const { language, line } of blocks) expect(['ts', 'sh', 'text'], `line ${line}`).toContain(language);
  const named = blocks.filter(({ language }) => language === 'ts').map(({ file, line }) => file ?? `unnamed block in line ${line}`);
  expect(named).toEqual([...new Set(named)]);
  expect(named.filter((name) => !name.endsWith('.ts'))).toEqual([]);
});

test('every TypeScript block compiles', { timeout: 60_000 }, async () => {
  const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', dir]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
});

describe('every command does what it says', () => {
  const commands = blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.trim().split(/\n|&&/));

  test.each([...new Set(commands.map((command) => command.trim()))])('%s', async (command) => {
    const [npm, verb, name = verb] = command.split(' ');
    expect(npm).toBe('npm');
    // This very run is `npm test` after `npm ci`; the demo and the other scripts have tests of their own.
    if (verb === 'install') expect(name).toBe(manifest.name);
    else if (verb !== 'ci') expect(Object.keys(manifest.scripts)).toContain(name);
  });
});

test('the measured table is what the bench has written', async () => {
  const measured = rowsOf(await readFile(join(ROOT, 'bench/results/bench.md'), 'utf8'), '÷ hand-rolled');
  const shown = rowsOf(readme, 'ours ÷ this');
  expect(shown.length).toBeGreaterThan(5);
  const columns = ['', 'CPU, µs', 'ours ÷ this', 'store commands'];
  expect(shown).toEqual(
    shown.map((row) => columns.map((column) => measured.find((each) => each[0] === row[0])?.at(measured[0]?.indexOf(column) ?? 0))),
  );
});

/** The cells of the first table that has this column, its head first. */
function rowsOf(markdown: string, column: string): string[][] {
  const table = markdown.split(/\n\n/).find((block) => block.split('\n')[0]?.includes(`| ${column} |`)) ?? '';
  const lines = table.split('\n').filter((line) => !line.startsWith('| ---'));
  return lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('names every export, option, event and error code', async () => {
  const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json');
  const options = [
    ...(await membersOf('src/core/kernel/settings.ts', 'CoreOptions')),
    ...(await membersOf('src/http/sessions.ts', 'HttpOptions')),
  ];
  const codes = (await readFile(join(ROOT, 'src/core/error.ts'), 'utf8')).match(/(?<=\| ')[A-Z_]+(?=')/g) ?? [];
  expect(options.length).toBeGreaterThan(15);
  expect(codes.length).toBeGreaterThan(8);
  const specifiers = subpaths.map((subpath) => `token-sessions${subpath.slice(1)}`);
  expect(specifiers.filter((specifier) => !readme.includes(`\`${specifier}\``))).toEqual([]);
  const events = await membersOf('src/core/events.ts', 'SessionEvents');
  expect(events.length).toBeGreaterThan(8);
  expect(events.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  expect([...options, ...codes].filter((name) => !readme.includes(`| \`${name}\` |`))).toEqual([]);
});

test('states the status of each error code, and the oldest TypeScript that is tested', () => {
  const statuses = [...readme.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)];
  expect(statuses.length).toBeGreaterThan(8);
  for (const [, code, status] of statuses) expect(new SessionError(code as SessionErrorCode, '').status, code).toBe(Number(status));
  expect(readme).toContain(`TypeScript ${OLDEST_TYPESCRIPT}`);
});

test('states the defaults of the options as they are', () => {
  const documented = new Map([...readme.matchAll(/^\| `(\w+)` \| ([^|]+) \|/gm)].map(([, name = '', value = '']) => [name, value]));
  const settings = normaliseOptions({ store: memoryStore() });
  const durations = { storeTimeout: '', recheckInterval: '', sweepInterval: '', rotationGrace: '' };
  for (const name of Object.keys(durations) as (keyof typeof durations)[]) {
    expect(parseDuration(documented.get(name)?.replaceAll(/[`']/g, '') as Duration, name), name).toBe(settings[name]);
  }
  expect(documented.get('idleTimeout')).toBe("`'7d'`");
  expect(settings.limits).toEqual({ idle: parseDuration('7d', ''), absolute: parseDuration('30d', '') });
  expect(documented.get('absoluteTimeout')).toBe("`'30d'`");
  expect(documented.get('rotateEvery')).toBe('`false`');
  expect(settings.rotateEvery).toBe(Number.POSITIVE_INFINITY);
  expect(documented.get('tokenPrefix')).toBe(`\`'${settings.tokenPrefix}'\``);
  expect(documented.get('maxDataBytes')).toBe(settings.maxDataBytes.toLocaleString('en'));
});

/** The names of an interface's properties. */
async function membersOf(path: string, name: string): Promise<string[]> {
  const text = await readFile(join(ROOT, path), 'utf8');
  const body = new RegExp(`interface ${name}\\b[^{]*\\{(.*?)^\\}`, 'ms').exec(text)?.[1] ?? '';
  return body.match(/(?<=^ {2}(?:readonly )?'?)[\w-]+(?='?\??:)/gm) ?? [];
}

describe('the examples run', () => {
  test('tRPC: login, a saved change, a counter, logout', async () => {
    const { server }: { server: Server } = await import(join(dir, 'trpc.ts'));
    await serve(server, async (url) => {
      const { token } = await trpc(`${url}/login`, null, { name: 'ada' });
      expect(await trpc(`${url}/theme`, token, 'dark')).toBeUndefined();
      await Promise.all([trpc(`${url}/visit`, token, null), trpc(`${url}/visit`, token, null)]);
      expect(await trpc(`${url}/me`, token)).toEqual({ userId: 'ada', views: 2, theme: 'dark' });
      await trpc(`${url}/logout`, token, null);
      await expect(trpc(`${url}/me`, token)).rejects.toThrow('UNAUTHORIZED, UNAUTHENTICATED');
    });
  });

  test('Yoga and Express: a token of the same sessions', async () => {
    const { sessions }: { sessions: Sessions<unknown> } = await import(join(dir, 'trpc.ts'));
    const { yoga }: { yoga: { fetch(url: string, init: RequestInit): Promise<Response> } } = await import(join(dir, 'yoga.ts'));
    const { app }: { app: RequestListener } = await import(join(dir, 'express.ts'));
    const { token } = await sessions.create({ userId: 'ada' });
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
    const body = JSON.stringify({ query: '{ me }' });
    const response = await yoga.fetch('http://localhost/graphql', { method: 'POST', headers, body });
    expect(await response.json()).toEqual({ data: { me: 'ada' } });
    await serve(createServer(app), async (url) => {
      const visit = async () => (await fetch(`${url}/visit`, { headers })).json();
      expect(await visit()).toMatchObject({ data: { userId: 'ada', views: 1 } });
      expect(await visit()).toMatchObject({ data: { userId: 'ada', views: 2 } });
      expect(await visit()).not.toHaveProperty('token');
      expect((await fetch(`${url}/visit`)).status).toBe(401);
    });
  });
});

async function serve(server: Server, use: (url: string) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  try {
    const address = server.address();
    await use(`http://localhost:${typeof address === 'object' ? address?.port : ''}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

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
