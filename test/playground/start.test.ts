import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import manifest from '../../package.json' with { type: 'json' };
import { ROOT } from '../../scripts/packed.js';

/* The server of `npm start`, without a browser. */

let stop: () => void;
let url: string;

beforeAll(async () => {
  const [command, script = ''] = manifest.scripts.start.split(' ');
  expect(command).toBe('tsx');
  const server = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0' },
  });
  stop = () => void server.kill();
  const [printed] = await once(server.stdout.setEncoding('utf8'), 'data');
  url = /http:\/\/localhost:\d+/.exec(String(printed))?.[0] ?? '';
}, 60_000);

afterAll(() => stop?.());

describe('npm start', () => {
  test('serves the page with its script and style, and allows no other script', async () => {
    const response = await fetch(url);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    const page = await response.text();
    expect(page).toContain('<title>token-sessions playground</title>');
    const files = [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(files.map((path) => path.split('.').at(-1)).sort()).toEqual(['css', 'js', 'svg']);
    const types = await Promise.all(files.map(async (path) => (await fetch(url + path)).headers.get('content-type')));
    expect(types.map((type) => type?.split(';')[0]).sort()).toEqual(['image/svg+xml', 'text/css', 'text/javascript']);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  test('serves tRPC and GraphQL on the same sessions, with GraphiQL', async () => {
    const graphiql = await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } });
    expect(await graphiql.text()).toContain('<title>token-sessions</title>');
    const post = (path: string, body: object, token?: string | null) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      });
    const login = await post('/trpc/login', { name: 'ada', password: 'lovelace', device: 'a test' });
    const token = login.headers.get('session-token');
    expect(token).toMatch(/^ts_/);
    const me = await post('/graphql', { query: '{ me { userId device } }' }, token);
    expect(await me.json()).toEqual({ data: { me: { userId: 'ada', device: 'a test' } } });
    expect((await post('/graphql', { query: '{ me { userId } }' })).status).toBe(401);
  });

  test.each(['/trpc', '/graphql', '/observer'])('opens no socket at %s for a page of another origin', async (path) => {
    const socket = new WebSocket(url.replace('http', 'ws') + path, { headers: { origin: 'https://evil.example' } });
    const [error] = await once(socket, 'error');
    expect(String(error)).toMatch(/socket hang up|ECONNRESET/);
    const own = new WebSocket(url.replace('http', 'ws') + path, { headers: { origin: url } });
    await once(own, 'open');
    own.close();
  });
});
