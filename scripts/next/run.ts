import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { installPacked, linkPackages, pack, ROOT, withTempDir } from '../packed.js';
import { CHROMIUM_STEPS, withChromium } from './chromium.js';
import { FormBrowser, STEPS, type Step } from './forms.js';
import { makePageApp, PAGE_STEPS } from './page.js';

/*
 * Runs the application of test/adapters/next/app on Next.js itself, with the package as its users
 * get it: `next dev`, and `next build` with `next start`. Each is asked over HTTP, as a browser
 * without scripts would, and by Chromium where there is one. That is with webpack. With Turbopack,
 * `next dev` runs the application of docs/hosts/next.md.
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
async function serve(
  dir: string,
  mode: string,
  ...options: string[]
): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const child = next(dir, [mode, ...options, '-p', String(port)]);
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
    const isUp = await fetch(`${url}/api/me`).then(
      ({ status }) => status === 401,
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

async function drive<Client>(name: string, steps: readonly Step<Client>[], client: Client): Promise<boolean> {
  let failed = 0;
  for (const [title, step] of steps) {
    try {
      await step(client);
      console.log(`ok   ${name}: ${title}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}: ${title}\n${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failed === 0;
}

const passed = await withTempDir(async (dir) => {
  const packed = await pack(dir);
  const app = join(dir, 'app');
  await installPacked(app, packed);
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
    const { url, stop } = await serve(app, mode, ...(mode === 'dev' ? ['--webpack'] : []));
    try {
      all = (await drive(`next ${mode}`, STEPS, new FormBrowser(url))) && all;
      all = (await withChromium(url, (tabs) => drive(`next ${mode} in Chromium`, CHROMIUM_STEPS, tabs))) && all;
    } finally {
      await stop();
    }
  }
  const page = join(dir, 'page');
  await makePageApp(page, packed);
  const { url, stop } = await serve(page, 'dev', '--turbopack');
  try {
    return (await drive('next dev --turbopack', PAGE_STEPS, new FormBrowser(url))) && all;
  } finally {
    await stop();
  }
});
if (!passed) process.exitCode = 1;
