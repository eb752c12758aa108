import { describe } from 'vitest';
import { CHROMIUM as INSTALLED } from '../../../scripts/chromium.js';

if (!INSTALLED) {
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error('REQUIRE_SERVICES=1, but there is no chromium: apt-get install chromium');
  console.warn('left out: tests in a real browser, as there is no chromium');
}

/** How `playwright-core` starts it, for tests of {@link describeWithChromium}. */
export const CHROMIUM = INSTALLED || {};

export const describeWithChromium = describe.skipIf(!INSTALLED);
