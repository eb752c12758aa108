import { existsSync } from 'node:fs';

const path = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** How `playwright-core` starts the Chromium that is installed; `undefined`: there is none. */
export const CHROMIUM = path && {
  executablePath: path,
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
