import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { DIST } from './build.js';
import { SITE } from './pages.js';
import { siteServer } from './serve.js';
import { markdownPages } from './twins.js';

/*
 * Looks at the built site: every link and anchor, the Markdown twins, and with Chromium the pages
 * in light and dark and the search, all without any other host. `npm run docs:check` runs it.
 */

const PICTURES = join(SITE, '.pictures');
const LOOKED_AT = ['', 'concepts/saving', 'hosts/trpc'];
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

const faults = [...(await brokenLinks()), ...(await missingTwins())];
if (CHROMIUM === undefined) console.warn('left out: the pages in a browser, as there is no chromium');
else faults.push(...(await lookAt(CHROMIUM)));
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'The site is whole.' : `${faults.length} faults.`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** Links and anchors of the built pages that lead nowhere. */
async function brokenLinks(): Promise<string[]> {
  const names = (await readdir(DIST, { recursive: true })).filter((name) => name.endsWith('.html'));
  const texts = new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(DIST, name), 'utf8')] as const)),
  );
  const faulty: string[] = [];
  for (const [name, html] of texts) {
    for (const [, href = ''] of html.matchAll(/<a [^>]*?href="((?!https?:|mailto:)[^"]+)"/g)) {
      const [path = '', anchor] = decodeURIComponent(href).replaceAll('&amp;', '&').split('#');
      const target = path === '' ? name : join(path.startsWith('/') ? path.slice(1) : join(dirname(name), path));
      const file = [target, `${target}.html`, join(target, 'index.html')].find(
        (each) => existsSync(join(DIST, each)) && /\.\w+$/.test(each),
      );
      const isThere =
        file !== undefined && (!anchor || !texts.has(file) || texts.get(file)?.includes(`id="${anchor}"`));
      if (!isThere) faulty.push(`${name}: the link ${href} leads nowhere`);
    }
  }
  console.log(`${texts.size} pages: every link followed`);
  return faulty;
}

async function missingTwins(): Promise<string[]> {
  const list = await readFile(join(DIST, 'llms.txt'), 'utf8');
  const pages = await markdownPages();
  return pages.flatMap((page) => [
    ...(existsSync(join(DIST, page)) ? [] : [`${page} has no Markdown twin`]),
    ...(/(?:^|^api\/)index\.md$/.test(page) || list.includes(`](${page})`) ? [] : [`llms.txt does not name ${page}`]),
  ]);
}

async function lookAt(executablePath: string): Promise<string[]> {
  await mkdir(PICTURES, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'token-sessions-site-'));
  const server = siteServer(DIST);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const context = await chromium.launchPersistentContext(folder, { executablePath, args: ['--no-sandbox'] });
  try {
    return [...(await takePictures(context, origin)), ...(await searchFor(context, origin, 'rotationGrace'))];
  } finally {
    await context.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}

async function takePictures(context: BrowserContext, origin: string): Promise<string[]> {
  const faulty: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await openPage(context, origin, faulty);
    await page.emulateMedia({ colorScheme });
    for (const path of LOOKED_AT) {
      await page.goto(`${origin}/${path}`, { waitUntil: 'networkidle' });
      await page.screenshot({ path: join(PICTURES, `${path.replace('/', '-') || 'home'}-${colorScheme}.png`) });
    }
    await page.close();
  }
  console.log(`pictures of ${LOOKED_AT.length} pages, light and dark, in site/.pictures`);
  return faulty;
}

/** Reports errors of the page, and requests to any other host. */
async function openPage(context: BrowserContext, origin: string, faulty: string[]): Promise<Page> {
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  page.on('pageerror', (error) => faulty.push(`${page.url()}: ${error.message}`));
  await page.route(
    (url) => url.origin !== origin,
    async (route) => {
      faulty.push(`${page.url()} asks another host: ${route.request().url()}`);
      await route.abort();
    },
  );
  return page;
}

/** The search finds a word, and its first result leads to a page with that word. */
async function searchFor(context: BrowserContext, origin: string, word: string): Promise<string[]> {
  const faulty: string[] = [];
  const page = await openPage(context, origin, faulty);
  await page.goto(`${origin}/start`, { waitUntil: 'networkidle' });
  await page.keyboard.press('Control+k');
  await page.locator('#localsearch-input').fill(word);
  const first = page.locator('#localsearch-list a').first();
  await first.waitFor();
  await page.screenshot({ path: join(PICTURES, 'search.png') });
  await first.click();
  await page.waitForURL((url) => url.pathname !== '/start');
  // Throws unless the page has the word.
  await page.locator('main', { hasText: word }).waitFor();
  console.log(`the search finds ${word} without any other host: ${new URL(page.url()).pathname}`);
  return faulty;
}
