import { describe } from 'vitest';
import { CHROMIUM as INSTALLED } from '../../../scripts/chromium.js';
import { servicesHidden, skipSuite } from './missing.js';

const missing = servicesHidden() ?? (INSTALLED ? undefined : 'there is no chromium: apt-get install chromium');

/** The options to start it with `playwright-core`, for tests of {@link describeWithChromium}. */
export const CHROMIUM = INSTALLED || {};

export const describeWithChromium = describe.skipIf(skipSuite('the tests in a real browser', missing));
