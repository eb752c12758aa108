import { type BrowserContext, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { buildPage } from '../../../examples/playground/server/page.js';
import { type Playground, startPlayground } from '../../../examples/playground/server/server.js';
import { CHROMIUM, describeWithChromium } from '../../support/services/chromium.js';

interface Bench {
  readonly url: string;
  /** Moves the clock of the library. */
  letPass(ms: number): void;
  /** A person's browser with empty storage: the page is in its first tab. */
  open(options?: BrowserContextOptions): Promise<{ readonly context: BrowserContext; readonly page: Page }>;
  /** Stops the server, and closes the browser. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** A real browser, and a separate playground for each test. */
async function openBench(): Promise<Bench> {
  const served = await buildPage();
  const browser = await chromium.launch(CHROMIUM);
  let ahead = 0;
  let playground: Playground | undefined;
  return {
    get url() {
      return playground?.url ?? '';
    },
    letPass(ms) {
      ahead += ms;
    },
    async open(options = {}) {
      const context = await browser.newContext({
        viewport: { width: 1440, height: 900 },
        reducedMotion: 'reduce',
        ...options,
      });
      context.setDefaultTimeout(10_000);
      const page = await context.newPage();
      playground ??= await startPlayground({ port: 0, now: () => Date.now() + ahead, page: served });
      await page.goto(playground.url);
      return { context, page };
    },
    async reset() {
      await Promise.all(browser.contexts().map((context) => context.close()));
      await playground?.close();
      playground = undefined;
    },
    close: () => browser.close(),
  };
}

/** Tests of the playground in a real browser. Each has a server and empty storage of its own. */
export function describePlayground(define: (bench: () => Bench) => void): void {
  describeWithChromium('the playground', { timeout: 60_000 }, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await openBench();
    }, 60_000);
    afterEach(() => bench.reset());
    afterAll(() => bench?.close());
    define(() => bench);
  });
}

/** Polls until the value is as expected, even on a busy machine. */
export function eventually<Value>(read: () => Value | Promise<Value>) {
  return expect.poll(read, { timeout: 10_000 });
}

/** A device on a page, as a person sees it. */
export class Device {
  readonly root: Locator;

  constructor(page: Page, name: 'Laptop' | 'Phone') {
    this.root = page.getByRole('region', { name, exact: true });
  }

  /** Presses a button by its name for screen readers. */
  async press(name: string | RegExp): Promise<void> {
    await this.root.getByRole('button', { name, exact: true }).click();
  }

  /** Waits for a visible text. */
  async sees(text: string | RegExp): Promise<void> {
    await this.root.getByText(text).filter({ visible: true }).first().waitFor();
  }

  async login(): Promise<void> {
    await this.press('Log in');
    await this.sees('Signed in as ada');
    await this.sees(/^\d+ messages?$/);
  }

  count(): Promise<number> {
    return this.root.locator('[data-part="count"]').innerText().then(Number);
  }

  /** The lines of the log, the newest first. */
  log(): Promise<string[]> {
    return this.root.getByRole('log').locator('p').allInnerTexts();
  }

  token(): Promise<string> {
    return this.root.locator('[data-part="token"]').innerText();
  }

  /** The devices in its list. */
  list(): Locator {
    return this.root.getByRole('listitem');
  }
}

export function devicesOf(page: Page): { readonly laptop: Device; readonly phone: Device } {
  return { laptop: new Device(page, 'Laptop'), phone: new Device(page, 'Phone') };
}

/** Logs both devices in. */
export async function logInBoth(page: Page): Promise<ReturnType<typeof devicesOf>> {
  const devices = devicesOf(page);
  await devices.laptop.login();
  await devices.phone.login();
  await eventually(() => devices.laptop.list().count()).toBe(2);
  return devices;
}
