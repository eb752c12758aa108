/** The version of the package. A test holds it against package.json. */
export const VERSION = '0.2.0';

/**
 * What the parts of the package agree on when several copies of it work together in one process.
 */
export const PROTOCOL = 1;
