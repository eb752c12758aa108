import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { ROOT } from '../../../scripts/packed.js';
import { seeded } from '../../races/chance.js';
import { CHROMIUM, describeWithChromium } from '../../support/services/chromium.js';
import { type SessionServer, type SessionServerOptions, startSessionServer } from '../support/session-server.js';
import { idOf } from '../support/tokens.js';

/*
 * Eight tabs of a real browser, whose server rotates, delays and loses answers.
 * `CLIENT_ROTATIONS=10000` runs that many rotations.
 */

const TABS = 8;
const ROTATIONS = Number(process.env['CLIENT_ROTATIONS'] ?? 150);
const SEED = Number(process.env['CLIENT_SEED'] ?? 1);
const TIMEOUT = 60_000 + ROTATIONS * 60;

describeWithChromium('in a real browser', { timeout: TIMEOUT }, () => {
  let script: string;
  let folder: string;
  let context: BrowserContext;
  let server: SessionServer;
  let random: () => number;

  beforeAll(async () => {
    const { outputFiles } = await build({
      entryPoints: [join(ROOT, 'test/client/browser/app.ts')],
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
    });
    script = outputFiles[0]?.text ?? '';
  });

  async function open(
    options: Partial<SessionServerOptions> = {},
    prepare?: (context: BrowserContext) => Promise<unknown>,
  ): Promise<Page[]> {
    random = seeded(SEED);
    const pages = new Map([
      [
        '/',
        { type: 'text/html', text: '<!doctype html><title>app</title><script type="module" src="/app.js"></script>' },
      ],
      ['/app.js', { type: 'text/javascript', text: script }],
    ]);
    server = await startSessionServer({ random, pages, rotateEvery: 100, grace: 10_000, ...options });
    folder = await mkdtemp(join(tmpdir(), 'token-sessions-chromium-'));
    context = await chromium.launchPersistentContext(folder, CHROMIUM);
    await prepare?.(context);
    const tabs = await Promise.all(Array.from({ length: TABS }, () => context.newPage()));
    await Promise.all(
      tabs.map((tab) => tab.goto(`${server.url}/?storage=${options.usesCookie ? 'cookie' : 'local'}`)),
    );
    await Promise.all(tabs.map((tab) => tab.waitForFunction('globalThis.app')));
    return tabs;
  }

  afterEach(async () => {
    await context?.close();
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const inAll = <Result>(tabs: readonly Page[], expression: string): Promise<Result[]> =>
    Promise.all(tabs.map((tab) => tab.evaluate<Result>(expression)));
  /** Waits until all tabs report this, for at most a second longer than the limit. */
  const allAre = (tabs: readonly Page[], expression: string, value: unknown): Promise<void> =>
    vi.waitFor(async () => expect(await inAll(tabs, expression)).toEqual(tabs.map(() => value)), {
      timeout: 2_000,
      interval: 50,
    });
  const pick = (tabs: readonly Page[]): Page => {
    const tab = tabs[Math.floor(random() * tabs.length)];
    if (!tab) throw new Error('no tab');
    return tab;
  };
  /** All tabs work until the server has rotated this often. */
  const rotateUntil = (count: number): Promise<void> =>
    vi.waitFor(() => expect(server.rotations()).toBeGreaterThanOrEqual(count), { timeout: TIMEOUT, interval: 20 });

  test('eight tabs follow logins, rotations and logouts, and no other logout happens', async () => {
    const tabs = await open();
    for (const tab of tabs) void tab.evaluate('app.work(40)').catch(() => {});
    const rounds = 4;
    for (let round = 1; round <= rounds; round++) {
      const id = idOf(await pick(tabs).evaluate<string>('app.login()'));
      await allAre(tabs, 'app.snapshot()', id);
      await inAll(tabs, 'app.changes()');
      await rotateUntil((ROTATIONS * round) / rounds);
      await allAre(tabs, 'app.snapshot()', id);
      // No logout happened in the meantime, and no other session has begun.
      const types = (await inAll<{ type: string }[]>(tabs, 'app.changes()')).flat().map(({ type }) => type);
      expect(new Set(types)).toEqual(new Set(['rotated']));
      if (round % 2 === 0) continue;
      await pick(tabs).evaluate('app.logout()');
      await allAre(tabs, 'app.snapshot()', null);
      const ends = await inAll<{ type: string }[]>(tabs, 'app.changes()');
      expect(ends.map((each) => each.filter(({ type }) => type === 'ended').length)).toEqual(tabs.map(() => 1));
    }
    await inAll(tabs, 'app.stop()');
    await vi.waitFor(async () => expect(new Set(await inAll(tabs, 'app.token()')).size).toBe(1), {
      timeout: 2_000,
      interval: 50,
    });
  });

  test("a new tab has the others' session at once, and keeps it after a reload", async () => {
    const [first, second] = await open();
    if (!first || !second) throw new Error('no tabs');
    const id = idOf(await first.evaluate<string>('app.login()'));
    const third = await context.newPage();
    await third.goto(`${server.url}/`);
    await third.waitForFunction('globalThis.app');
    expect(await third.evaluate('app.snapshot()')).toBe(id);
    await second.reload();
    await second.waitForFunction('globalThis.app');
    expect(await second.evaluate('app.snapshot()')).toBe(id);
    // This is outside the application.
    await third.evaluate('localStorage.clear()');
    await allAre([first, second], 'app.snapshot()', null);
  });

  test('with blocked storage, tabs of the same session stay in it', async () => {
    const blocked = `Object.defineProperty(globalThis, 'localStorage', {
      get() { throw new DOMException('denied', 'SecurityError'); },
    })`;
    const tabs = await open({}, (each) => each.addInitScript(blocked));
    const token = await pick(tabs).evaluate<string>('app.login()');
    await inAll(tabs, `app.set('${token}')`);
    for (const tab of tabs) void tab.evaluate('app.work(40)').catch(() => {});
    await rotateUntil(Math.min(ROTATIONS, 1_000));
    await allAre(tabs, 'app.snapshot()', idOf(token));
    await pick(tabs).evaluate('app.logout()');
    await allAre(tabs, 'app.snapshot()', null);
  });

  test('with a cookie, no tab has a token, and all tabs agree', async () => {
    const tabs = await open({ usesCookie: true, grace: 500 });
    for (const tab of tabs) void tab.evaluate('app.work(40)').catch(() => {});
    await pick(tabs).evaluate('app.login()');
    await allAre(tabs, 'app.snapshot()', 'cookie');
    await rotateUntil(Math.min(ROTATIONS / 15, 100));
    await allAre(tabs, 'app.snapshot()', 'cookie');
    expect(await inAll(tabs, 'app.token()')).toEqual(tabs.map(() => null));
    expect(await pick(tabs).evaluate('JSON.stringify(localStorage) + document.cookie')).not.toContain('ts_');
    await pick(tabs).evaluate('app.logout()');
    await allAre(tabs, 'app.snapshot()', null);
  });
});
