import { existsSync } from 'node:fs';
import { describe } from 'vitest';

const PATH = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** How `playwright-core` starts the browser that is installed. */
export const CHROMIUM = {
  executablePath: PATH ?? '',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

if (!PATH) {
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error('REQUIRE_SERVICES=1, but there is no chromium: apt-get install chromium');
  console.warn('left out: tests in a real browser, as there is no chromium');
}

export const describeWithChromium = describe.skipIf(!PATH);
