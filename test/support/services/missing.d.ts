/** The reason to start no server: `SERVICES=none` makes a machine look as if it had none. */
export function servicesHidden(): string | undefined;

/**
 * Whether a suite is left out because something is missing. Says so on the console. With
 * `REQUIRE_SERVICES=1` no suite is left out: it fails instead.
 *
 * @param missing what is missing; `undefined` where nothing is
 */
export function skipSuite(suite: string, missing: string | undefined): boolean;
