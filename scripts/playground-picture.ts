import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { startPlayground } from '../examples/playground/server/server.js';
import { CHROMIUM } from './chromium.js';

/*
 * Takes the picture of the README from the real page: docs/public/playground.png. It looks best
 * with the fonts that the page prefers: apt-get install fonts-inter fonts-jetbrains-mono
 */

const FILE = join(dirname(fileURLToPath(import.meta.url)), '../docs/public/playground.png');
const MOST_BYTES = 300_000;

/** Does what a person would have done before the picture is taken. */
async function play(page: Page): Promise<void> {
  const device = (name: string) => page.getByRole('region', { name, exact: true });
  const press = (name: string, button: string) =>
    device(name).getByRole('button', { name: button, exact: true }).click();
  for (const name of ['Laptop', 'Phone']) {
    await press(name, 'Log in');
    await device(name).getByText('Signed in as ada').waitFor();
  }
  await press('Laptop', '20 at once');
  await device('Laptop').getByText('None was lost.').waitFor();
  await press('Laptop', 'Rotate, lose the answer');
  await device('Laptop').getByText('the same token').waitFor();
  await press('Phone', 'Count');
  await device('Phone').getByText('Counted to 1.').waitFor();
  await press('Phone', 'Show the recovery code');
  await device('Phone').getByText('4821 0937').waitFor();
  await device('Phone').getByText('3 messages').waitFor();
  await page.mouse.move(0, 0);
}

if (!CHROMIUM) throw new Error('There is no chromium: apt-get install chromium');
await mkdir(dirname(FILE), { recursive: true });
const playground = await startPlayground({ port: 0 });
const browser = await chromium.launch(CHROMIUM);
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 800 },
    deviceScaleFactor: 1.25,
    colorScheme: 'light',
    reducedMotion: 'reduce',
  });
  await page.goto(playground.url);
  await play(page);
  await page.screenshot({ path: FILE, fullPage: true });
} finally {
  await browser.close();
  await playground.close();
}
const { size } = await stat(FILE);
console.log(`${FILE}: ${size} bytes`);
if (size > MOST_BYTES) throw new Error(`The picture must have at most ${MOST_BYTES} bytes`);
