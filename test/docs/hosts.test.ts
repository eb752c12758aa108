import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, TYPESCRIPT_7 } from '../../scripts/packed.js';
import { blocksOf } from './blocks.js';

const run = promisify(execFile);
const pages = (await readdir(join(ROOT, 'docs/hosts'))).map((name) => name.replace('.md', ''));
let dir: string;

/** The blocks of each page as a project of its own, beside what is installed here. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'token-sessions-hosts-'));
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  for (const page of pages) {
    const blocks = blocksOf(await readFile(join(ROOT, `docs/hosts/${page}.md`), 'utf8'));
    await mkdir(join(dir, page));
    await writeFile(join(dir, page, 'package.json'), '{ "type": "module" }');
    // What Next.js types of `process.env` makes this rule of ours one that readers need not keep.
    const compilerOptions = { noPropertyAccessFromIndexSignature: false };
    const config = { extends: join(ROOT, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
    await writeFile(join(dir, page, 'tsconfig.json'), JSON.stringify(config));
    for (const { file, text } of blocks) if (file) await writeFile(join(dir, page, file), text);
  }
});

afterAll(() => rm(dir, { recursive: true, force: true }));

describe.each(pages)('the page on %s', (page) => {
  test('names a file for each TypeScript block', async () => {
    const blocks = blocksOf(await readFile(join(ROOT, `docs/hosts/${page}.md`), 'utf8')).filter(({ language }) => language === 'ts');
    expect(blocks.length).toBeGreaterThan(0);
    expect(blocks.filter(({ file }) => file === undefined).map(({ line }) => line)).toEqual([]);
  });

  test('compiles', { timeout: 120_000 }, async () => {
    const { stdout } = await run(process.execPath, [TYPESCRIPT_7, '-p', join(dir, page)]).catch((error: { stdout: string }) => error);
    expect(stdout).toBe('');
  });
});

/** Logs in, changes the theme and logs out, by the routes that the pages have. */
async function useRoutes(send: (path: string, init: RequestInit) => Promise<Response>): Promise<void> {
  const login = await send('/login', { method: 'POST' });
  expect(login.status).toBe(204);
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0];
  const headers: Record<string, string> =
    cookie === undefined ? { authorization: `Bearer ${login.headers.get('session-token')}` } : { cookie };
  expect((await send('/theme', { method: 'POST', headers })).status).toBe(200);
  expect(await (await send('/me', { headers })).json()).toMatchObject({ userId: 'ada', theme: 'dark' });
  expect((await send('/logout', { method: 'POST', headers })).status).toBe(200);
  const after = await send('/me', { headers });
  expect(after.status === 401 || (await after.json()) === null).toBe(true);
}

describe('the applications of the pages run', () => {
  test('Fetch', async () => {
    const { serve }: { serve(request: Request): Promise<Response> } = await import(join(dir, 'fetch/app.ts'));
    await useRoutes((path, init) => serve(new Request(`https://app.example${path}`, init)));
  });

  test('Hono', async () => {
    const { app }: { app: { request(url: string, init: RequestInit): Promise<Response> } } = await import(join(dir, 'hono/app.ts'));
    await useRoutes(async (path, init) => app.request(`https://app.example${path}`, init));
  });

  test('Fastify', async () => {
    const { app }: { app: { listen(at: object): Promise<string>; close(): Promise<void> } } = await import(join(dir, 'fastify/app.ts'));
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    try {
      await useRoutes((path, init) => fetch(url + path, init));
    } finally {
      await app.close();
    }
  });

  test('Apollo Server', async () => {
    const page: { start(port: number): Promise<{ url: string }>; server: { stop(): Promise<void> } } = await import(
      join(dir, 'apollo/server.ts')
    );
    const { url } = await page.start(0);
    const graphql = async (query: string, token?: string) => {
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      return (await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })).json();
    };
    try {
      const { data } = await graphql('mutation { login }');
      expect((await graphql('mutation { theme(name: "dark") }', data.login)).data).toEqual({ theme: 'dark' });
      expect((await graphql('{ me }', data.login)).data).toEqual({ me: 'ada' });
      expect((await graphql('mutation { logout }', data.login)).data).toEqual({ logout: true });
      expect((await graphql('{ me }', data.login)).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    } finally {
      await page.server.stop();
    }
  });
});
