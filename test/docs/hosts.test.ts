import { readdir, readFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { join } from 'node:path';
import { createClient } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ROOT } from '../../scripts/packed.js';
import { listenInTest } from '../support/http.js';
import { blocksOf } from './blocks.js';
import { type BlockProject, writeBlocks } from './project.js';

const pages = (await readdir(join(ROOT, 'docs/hosts'))).map((name) => `docs/hosts/${name}`);
let project: BlockProject;

beforeAll(async () => {
  project = await writeBlocks(pages);
});

afterAll(() => project.remove());

test.each([...pages, 'docs/client.md'])('%s names a file for each TypeScript block', async (page) => {
  const blocks = blocksOf(await readFile(join(ROOT, page), 'utf8')).filter(({ language }) => language === 'ts');
  expect(blocks.length).toBeGreaterThan(0);
  expect(blocks.filter(({ file }) => file === undefined).map(({ line }) => line)).toEqual([]);
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

/** Opens `/live`, and ends when the logout has ended it. */
async function endsWithItsSession(send: (path: string, init: RequestInit) => Promise<Response>): Promise<void> {
  const login = await send('/login', { method: 'POST' });
  const [cookie = ''] = login.headers.getSetCookie();
  const headers = { cookie, authorization: `Bearer ${login.headers.get('session-token')}` };
  const reader = (await send('/live', { headers })).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^data: /);
  await send('/logout', { method: 'POST', headers });
  while (!(await reader?.read())?.done);
  expect((await send('/live', { headers })).status).toBe(401);
}

describe('the applications of the pages run', () => {
  test('Fetch', async () => {
    const { serve }: { serve(request: Request): Promise<Response> } = await import(
      project.file('docs/hosts/fetch.md', 'app.ts')
    );
    await useRoutes((path, init) => serve(new Request(`https://app.example${path}`, init)));
  });

  test('Hono', async () => {
    const { app }: { app: { request(url: string, init: RequestInit): Promise<Response> } } = await import(
      project.file('docs/hosts/hono.md', 'app.ts')
    );
    await import(project.file('docs/hosts/hono.md', 'live.ts'));
    const send = async (path: string, init: RequestInit) => app.request(`https://app.example${path}`, init);
    await useRoutes(send);
    await endsWithItsSession(send);
  });

  test('Fastify', async () => {
    const { app }: { app: { listen(at: object): Promise<string>; close(): Promise<void> } } = await import(
      project.file('docs/hosts/fastify.md', 'app.ts')
    );
    await import(project.file('docs/hosts/fastify.md', 'live.ts'));
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    try {
      await useRoutes((path, init) => fetch(url + path, init));
      await endsWithItsSession((path, init) => fetch(url + path, init));
    } finally {
      await app.close();
    }
  });

  test('Express', async () => {
    const { app }: { app: RequestListener } = await import(project.file('docs/hosts/express.md', 'app.ts'));
    const { url } = await listenInTest(app);
    await useRoutes((path, init) => fetch(url + path, init));
  });

  test('http', async () => {
    const { server }: { server: Server } = await import(project.file('docs/hosts/express.md', 'http.ts'));
    const { url } = await listenInTest((req, res) => server.emit('request', req, res));
    expect(await (await fetch(url)).text()).toBe('stranger');
  });

  test('tRPC', async () => {
    const { serve }: { serve(request: Request): Promise<Response> } = await import(
      project.file('docs/hosts/trpc.md', 'router.ts')
    );
    const call = async (path: string, method: string, token?: string) => {
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      return (await serve(new Request(`https://app.example/trpc/${path}`, { method, headers }))).json();
    };
    const { token } = (await call('login', 'POST')).result.data;
    expect((await call('hello', 'GET', token)).result.data).toBe('Hello ada');
    expect((await call('visit', 'POST', token)).result.data).toEqual({ userId: 'ada', views: 1 });
    expect((await call('devices', 'GET', token)).result.data).toMatchObject([{ isCurrent: true }]);
    expect((await call('deleteAccount', 'POST', token)).error).toBeUndefined();
    expect((await call('visit', 'POST', token)).error.data.sessionCode).toBe('UNAUTHENTICATED');
  });

  test('Yoga', async () => {
    const { yoga }: { yoga: { fetch(url: string, init: RequestInit): Promise<Response> } } = await import(
      project.file('docs/hosts/yoga.md', 'yoga.ts')
    );
    const graphql = async (query: string, token?: string) => {
      const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
      return (
        await yoga.fetch('https://app.example/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) })
      ).json();
    };
    const { login } = (await graphql('mutation { login }')).data;
    expect((await graphql('mutation { theme(name: "dark") }', login)).data).toEqual({ theme: 'dark' });
    expect((await graphql('{ me }', login)).data).toEqual({ me: 'ada' });
    expect((await graphql('mutation { deleteAccount }', login)).data).toEqual({ deleteAccount: true });
    expect((await graphql('{ me }', login)).errors[0].extensions.code).toBe('UNAUTHENTICATED');
  });

  test('Mercurius', async () => {
    const page: { app: { inject(request: object): Promise<{ statusCode: number }>; close(): Promise<void> } } =
      await import(project.file('docs/hosts/others.md', 'mercurius.ts'));
    try {
      const answer = await page.app.inject({ method: 'POST', url: '/graphql', payload: { query: '{ me }' } });
      expect(answer.statusCode).toBe(401);
    } finally {
      await page.app.close();
    }
  });

  test('Apollo Server', async () => {
    const page: { start(port: number): Promise<{ url: string }>; server: { stop(): Promise<void> } } = await import(
      project.file('docs/hosts/apollo.md', 'server.ts')
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

  test('Apollo Server: a subscription ends with its session', async () => {
    const page: { serveSockets(server: Server): { dispose(): Promise<void> | void } } = await import(
      project.file('docs/hosts/apollo.md', 'sockets.ts')
    );
    const {
      sessions,
    }: { sessions: { create(data: object): Promise<{ token: string; destroy(): Promise<unknown> }> } } = await import(
      project.file('docs/hosts/apollo.md', 'sessions.ts')
    );
    const { server, url } = await listenInTest((_req, res) => res.end());
    const sockets = page.serveSockets(server);
    const session = await sessions.create({ userId: 'ada' });
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${session.token}` },
    });
    const ticks = client.iterate({ query: 'subscription { ticks }' });
    expect(await ticks.next()).toMatchObject({ value: { data: { ticks: expect.any(String) } } });
    await session.destroy();
    while (!(await ticks.next()).done);
    await client.dispose();
    await sockets.dispose();
  });
});
