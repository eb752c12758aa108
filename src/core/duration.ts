import { SessionError } from './error.js';

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A length of time: a number of milliseconds, or a whole number with a unit, such as `'90s'`,
 * `'30m'`, `'12h'` or `'7d'`.
 */
export type Duration = number | `${number}${keyof typeof UNITS}`;

/** A hundred years. A longer duration is a mistake, and stores could not represent it. */
const LONGEST = 36_525 * UNITS.d;

/**
 * @throws `INVALID_OPTION` naming `option`, unless `value` is from `least` ms to a hundred years
 */
export function parseDuration(value: Duration, option: string, least = 1): number {
  const ms = typeof value === 'string' ? parseText(value) : value;
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= least && ms <= LONGEST) return ms;
  throw new SessionError(
    'INVALID_OPTION',
    `${option} must be a whole number of milliseconds (at least ${least}) or a string such as '90s', '30m', '12h' or '7d'`,
  );
}

/** The longest delay of a timer. A timer with a longer delay fires immediately. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** {@link parseDuration} for the delay of a timer. */
export function parseDelay(value: Duration, option: string, least = 1): number {
  const delay = parseDuration(value, option, least);
  if (delay <= LONGEST_TIMER) return delay;
  throw new SessionError('INVALID_OPTION', `${option} must be at most 24 days`);
}

function parseText(text: string): number {
  const match = /^(\d{1,15})(ms|s|m|h|d)$/.exec(text);
  return match ? Number(match[1]) * UNITS[match[2] as keyof typeof UNITS] : Number.NaN;
}
