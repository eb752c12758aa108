import { deepStrictEqual } from 'node:assert';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../chromium.js';
import type { Step } from './forms.js';

/** Two tabs of a browser, and the address of another site's page that links to the application. */
interface Tabs {
  readonly first: Page;
  readonly second: Page;
  readonly elsewhere: string;
}

/** The steps of a person in a browser. */
export const CHROMIUM_STEPS: readonly Step<Tabs>[] = [
  [
    'a login by a server action sets the cookie, and the page shows the user',
    async ({ first }) => {
      await first.fill('#login input[name=name]', 'ada');
      await first.click('#login button');
      await shows(first, '#layout', 'ada');
      const cookies = await first.context().cookies();
      deepStrictEqual(
        cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]),
        [['session', true, 'Lax']],
      );
    },
  ],
  [
    'the user stays logged in after a reload',
    async ({ first }) => {
      await first.reload();
      await shows(first, '#layout', 'ada');
    },
  ],
  [
    'a link of another site finds the user logged in',
    async ({ second, elsewhere }) => {
      await second.goto(elsewhere);
      await second.click('a');
      await shows(second, '#layout', 'ada');
    },
  ],
  [
    'a server action saves, and both tabs show it',
    async ({ first, second }) => {
      await first.fill('#theme-form input[name=theme]', 'dark');
      await first.click('#theme-form button');
      await shows(first, '#theme', 'dark');
      await second.reload();
      await shows(second, '#theme', 'dark');
    },
  ],
  [
    'a logout in one tab ends the stream of the other, which is anonymous after a reload',
    async ({ first, second }) => {
      await second.evaluate(`
        globalThis.received = [];
        globalThis.source = new EventSource('/live');
        source.onmessage = ({ data }) => { received.push(data); if (data === 'ended') source.close(); };
      `);
      await second.waitForFunction("received.includes('open')");
      await first.click('#logout button');
      await second.waitForFunction("received.includes('ended')");
      await second.reload();
      await shows(second, '#layout', 'nobody');
    },
  ],
];

/** Waits until the element has this text. */
async function shows(page: Page, selector: string, text: string): Promise<void> {
  await page.waitForFunction(`document.querySelector('${selector}')?.textContent === '${text}'`, undefined, {
    timeout: 20_000,
  });
}

/**
 * Runs `drive` with two tabs of a new browser. Without Chromium nothing is run, unless
 * `REQUIRE_SERVICES=1`.
 */
export async function withChromium(url: string, drive: (tabs: Tabs) => Promise<boolean>): Promise<boolean> {
  if (!CHROMIUM) {
    console.log('skipped: there is no chromium (apt-get install chromium)');
    return process.env['REQUIRE_SERVICES'] !== '1';
  }
  const folder = await mkdtemp(join(tmpdir(), 'token-sessions-next-chromium-'));
  // By another host name, it is another site than `localhost`.
  const page = createServer((_req, res) =>
    res.setHeader('content-type', 'text/html').end(`<a href="${url}/">to the application</a>`),
  );
  await once(page.listen(0, '127.0.0.1'), 'listening');
  const address = page.address();
  const elsewhere = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
  let context: BrowserContext | undefined;
  try {
    context = await chromium.launchPersistentContext(folder, CHROMIUM);
    const [first, second] = [await context.newPage(), await context.newPage()];
    await first.goto(url);
    return await drive({ first, second, elsewhere });
  } finally {
    await context?.close();
    page.closeAllConnections();
    page.close();
    await rm(folder, { recursive: true, force: true });
  }
}
