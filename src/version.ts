/** The version of the package. A test compares it with package.json. */
export const VERSION = '0.2.0';

/** The number by which several copies of the package in one process work together. */
export const PROTOCOL = 1;
