/*
 * JavaScript, as the bench loads this folder in plain Node, where `.js` means such a file.
 */

export function servicesHidden() {
  return process.env['SERVICES'] === 'none' ? 'SERVICES=none' : undefined;
}

export function skipSuite(suite, missing) {
  if (missing === undefined) return false;
  if (process.env['REQUIRE_SERVICES'] === '1')
    throw new Error(`REQUIRE_SERVICES=1, but cannot run ${suite}: ${missing}`);
  console.warn(`left out: ${suite}: ${missing}`);
  return true;
}
