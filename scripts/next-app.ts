import { deepStrictEqual, match, ok } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { installPacked, linkPackages, pack, ROOT, withTempDir } from './packed.js';

/*
 * Runs the application of test/adapters/next/app on Next.js itself, with the package as its users
 * get it: `next dev`, and `next build` with `next start`. Requests come over HTTP, as from a
 * browser without scripts.
 */

const NEXT = join(ROOT, 'node_modules/next/dist/bin/next');

async function freePort(): Promise<number> {
  const server = createServer().listen(0);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}

function next(dir: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [NEXT, ...args], {
    cwd: dir,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Serves the application, and resolves to its URL when it answers. */
async function serve(dir: string, mode: 'dev' | 'start'): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const args = mode === 'dev' ? ['dev', '--webpack', '-p', String(port)] : ['start', '-p', String(port)];
  const child = next(dir, args);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => {
      output += chunk;
    });
  const url = `http://localhost:${port}`;
  const stop = async (): Promise<void> => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  };
  const deadline = Date.now() + 120_000;
  for (;;) {
    const isUp = await fetch(`${url}/api/store`).then(
      ({ ok: isOk }) => isOk,
      () => false,
    );
    if (isUp) return { url, stop };
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`next ${mode} does not answer:\n${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** A browser without scripts: it keeps one cookie, and posts forms. */
class Browser {
  readonly #url: string;
  cookie: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  async open(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(this.cookie !== undefined && { cookie: this.cookie }), ...Object(init.headers) };
    const response = await fetch(this.#url + path, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      if (pair.startsWith('session=')) this.cookie = pair === 'session=' ? undefined : pair;
    }
    return response;
  }

  /** The text of an element of a page. */
  async textOf(path: string, id: string): Promise<string | undefined> {
    const html = await (await this.open(path)).text();
    return new RegExp(`id="${id}">([^<]*)<`).exec(html)?.[1];
  }

  /** A page that a link of another site leads to. `fetch` sets these headers itself. */
  async follow(path: string): Promise<string> {
    const fromElsewhere = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const [response] = await once(get(this.#url + path, { headers: { ...fromElsewhere, cookie: this.cookie } }), 'response');
    return text(response);
  }

  /** Posts a form of the front page, with its hidden fields. */
  async submit(id: string, fields: Record<string, string> = {}): Promise<Response> {
    const html = await (await this.open('/')).text();
    const form = new RegExp(`<form[^>]*id="${id}"[^>]*>(.*?)</form>`, 's').exec(html)?.[1] ?? '';
    const body = new FormData();
    for (const [, name = ''] of form.matchAll(/type="hidden" name="([^"]*)"/g)) body.set(name, '');
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return this.open('/', { method: 'POST', body, headers: { origin: this.#url } });
  }
}

async function findsOf(browser: Browser): Promise<number> {
  return (await (await browser.open('/api/store')).json()).finds;
}

/** Each step throws if a result is not as expected. */
const STEPS: readonly (readonly [string, (browser: Browser) => Promise<void>])[] = [
  [
    'an anonymous page asks the store for nothing',
    async (browser) => {
      const before = await findsOf(browser);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'nobody');
      deepStrictEqual(await findsOf(browser), before);
    },
  ],
  [
    'an action logs in, redirects and sets the cookie',
    async (browser) => {
      const answer = await browser.submit('login', { name: 'ada' });
      deepStrictEqual([answer.status, answer.headers.get('location')], [303, '/']);
      match(browser.cookie ?? '', /^session=ts_/);
    },
  ],
  [
    'a render of layout, page and metadata makes one load',
    async (browser) => {
      const before = await findsOf(browser);
      const html = await (await browser.open('/')).text();
      match(html, /<title>ada<\/title>/);
      match(html, /id="layout">ada</);
      deepStrictEqual((await findsOf(browser)) - before, 1);
    },
  ],
  [
    'a link of another site finds its user logged in',
    async (browser) => {
      match(await browser.follow('/'), /id="layout">ada</);
    },
  ],
  [
    'an action saves, and one that fails does not',
    async (browser) => {
      await browser.submit('theme-form', { theme: 'dark' });
      deepStrictEqual(await browser.textOf('/', 'theme'), 'dark');
      deepStrictEqual((await browser.submit('fail')).status, 500);
      deepStrictEqual(await browser.textOf('/', 'theme'), 'dark');
    },
  ],
  [
    'a server-side caller of tRPC saves in its action',
    async (browser) => {
      await browser.submit('caller');
      deepStrictEqual(await browser.textOf('/', 'theme'), 'caller');
    },
  ],
  [
    'routes read and save, and proxy.ts reads',
    async (browser) => {
      const me = await browser.open('/api/me');
      deepStrictEqual([await me.json(), me.headers.get('x-proxy-user')], [{ userId: 'ada', theme: 'caller' }, 'ada']);
      deepStrictEqual((await browser.open('/api/theme', { method: 'POST', body: '{"theme":"blue"}' })).status, 204);
      deepStrictEqual((await (await browser.open('/api/me')).json()).theme, 'blue');
    },
  ],
  [
    'tRPC has the session in a route',
    async (browser) => {
      deepStrictEqual(await (await browser.open('/api/trpc/me')).json(), { result: { data: 'ada' } });
    },
  ],
  [
    'a component that logs in during a render gets an error with the remedy',
    async (browser) => {
      const message = await browser.textOf('/rendered', 'message');
      match(message ?? '', /route\(\) or action\(\)/);
    },
  ],
  [
    'a logout ends the live stream, and the next page is anonymous',
    async (browser) => {
      const live = await browser.open('/live');
      await browser.submit('logout');
      deepStrictEqual(await live.text(), 'data: open\n\ndata: ended\n\n');
      deepStrictEqual(browser.cookie, undefined);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'nobody');
    },
  ],
  [
    'a refusal of a route is a problem',
    async (browser) => {
      const refused = await browser.open('/api/me');
      deepStrictEqual([refused.status, (await refused.json()).code], [401, 'UNAUTHENTICATED']);
    },
  ],
  [
    'a route that redirects after a login sets the cookie',
    async (browser) => {
      const answer = await browser.open('/api/login?name=bob');
      ok([302, 303, 307].includes(answer.status), `status ${answer.status}`);
      deepStrictEqual(await browser.textOf('/', 'layout'), 'bob');
    },
  ],
];

async function drive(url: string, mode: string): Promise<boolean> {
  const browser = new Browser(url);
  let failed = 0;
  for (const [title, step] of STEPS) {
    try {
      await step(browser);
      console.log(`ok   next ${mode}: ${title}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL next ${mode}: ${title}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failed === 0;
}

const passed = await withTempDir(async (dir) => {
  const app = join(dir, 'app');
  await installPacked(app, await pack(dir));
  await linkPackages(app, ['next', 'react', 'react-dom', '@trpc/server']);
  await cp(join(ROOT, 'test/adapters/next/app'), app, { recursive: true });
  let all = true;
  for (const mode of ['dev', 'start'] as const) {
    if (mode === 'start') {
      const build = next(app, ['build', '--webpack']);
      let output = '';
      for (const stream of [build.stdout, build.stderr])
        stream?.on('data', (chunk) => {
          output += chunk;
        });
      const [code] = await once(build, 'exit');
      if (code !== 0) throw new Error(`next build failed:\n${output}`);
    }
    const { url, stop } = await serve(app, mode);
    try {
      all = (await drive(url, mode)) && all;
    } finally {
      await stop();
    }
  }
  return all;
});
if (!passed) process.exitCode = 1;
