/** The reason not to start a server: `SERVICES=none` makes a machine look as if it had none. */
export function servicesHidden(): string | undefined {
  return process.env['SERVICES'] === 'none' ? 'SERVICES=none' : undefined;
}

/**
 * Whether a suite is left out because something is missing. Prints that on the console. With
 * `REQUIRE_SERVICES=1` no suite is left out: it fails instead.
 *
 * @param missing the missing thing; `undefined` if nothing is missing
 */
export function skipSuite(suite: string, missing: string | undefined): boolean {
  if (missing === undefined) return false;
  if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, but cannot run ${suite}: ${missing}`);
  console.warn(`left out: ${suite}: ${missing}`);
  return true;
}
