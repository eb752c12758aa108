import { once } from 'node:events';
import type { Server } from 'node:http';
import { requireSession } from 'token-sessions';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeApp as makeFastify } from '../../examples/fastify/app.js';
import { app as hono } from '../../examples/hono/app.js';
import { app as koa } from '../../examples/koa/app.js';
import { makeApp as makeNest } from '../../examples/nestjs/app.js';
import { serve as reactRouter } from '../../examples/react-router/app.js';
import { handle, type Locals } from '../../examples/sveltekit/hooks.server.js';

/*
 * The examples that have the same routes: login, me, theme/:name, logout.
 */

type Fetch = (path: string, init?: RequestInit) => Promise<Response>;

async function overHttp(server: Server, stop: () => Promise<unknown>): Promise<Fetch> {
  onTestFinished(async () => {
    await stop();
  });
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
}

const request = (path: string, init?: RequestInit) => new Request(`https://app.example${path}`, init);

/** Works as SvelteKit does between its hook and the routes of an application. */
async function resolve(event: { readonly request: Request; readonly locals: object }): Promise<Response> {
  const { session, sessions } = event.locals as Locals;
  const [, verb, name = ''] = new URL(event.request.url).pathname.split('/');
  if (verb === 'me') return Response.json(requireSession({ session }).data);
  if (verb === 'login') await sessions.create({ userId: 'ada', theme: 'light' });
  else if (verb === 'logout') await session?.destroy();
  else if (session) session.data.theme = name;
  return new Response(null, { status: 204 });
}

const hosts: [string, () => Promise<Fetch>][] = [
  ['Hono', async () => async (path, init) => hono.request(`https://app.example${path}`, init)],
  [
    'Fastify',
    async () => {
      const app = makeFastify();
      await app.listen({ port: 0, host: '127.0.0.1' });
      return overHttp(app.server, () => app.close());
    },
  ],
  [
    'Koa',
    async () => {
      const server = koa.listen(0, '127.0.0.1');
      return overHttp(server, () => new Promise((done) => server.close(done)));
    },
  ],
  [
    'NestJS',
    async () => {
      const app = await makeNest();
      await app.listen(0, '127.0.0.1');
      return overHttp(app.getHttpServer(), () => app.close());
    },
  ],
  ['React Router', async () => (path, init) => reactRouter(request(path, init))],
  ['SvelteKit', async () => (path, init) => handle({ event: { request: request(path, init), locals: {} }, resolve })],
];

describe.each(hosts)('the %s example', (_, start) => {
  test('logs in, reads, saves and logs out', async () => {
    const send = await start();
    expect((await send('/me')).status).toBe(401);
    const login = await send('/login', { method: 'POST' });
    expect(login.status).toBeLessThan(400);
    const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^__Host-session=ts_/);
    const headers = { cookie };
    expect(await (await send('/me', { headers })).json()).toEqual({ userId: 'ada', theme: 'light' });
    expect((await send('/theme/dark', { method: 'POST', headers })).status).toBe(204);
    expect(await (await send('/me', { headers })).json()).toEqual({ userId: 'ada', theme: 'dark' });
    const logout = await send('/logout', { method: 'POST', headers });
    expect(logout.headers.getSetCookie()[0]).toContain('Max-Age=0');
    expect((await send('/me', { headers })).status).toBe(401);
  });
});
