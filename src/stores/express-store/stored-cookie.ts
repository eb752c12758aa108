/**
 * Ten years: some stores count in 32 bits, or in the years that a calendar has. Each write begins
 * again.
 */
const LONGEST = 3_650 * 86_400_000;

/**
 * What stores read of a session to know how long to keep it: some `expires`, some `maxAge`, some
 * `originalMaxAge`. All three are the time that is left. Mutable, as stores change it. The
 * rest is what express-session would send its clients, and therefore careful.
 */
export class StoredCookie {
  path = '/';
  httpOnly = true;
  secure = true;
  originalMaxAge: number;
  expires: Date;

  /** `ttl` is in ms. */
  constructor(ttl: number) {
    this.originalMaxAge = Math.min(ttl, LONGEST);
    this.expires = new Date(Date.now() + this.originalMaxAge);
  }

  get maxAge(): number {
    return this.expires.getTime() - Date.now();
  }

  set maxAge(ms: number) {
    this.expires = new Date(Date.now() + ms);
    this.originalMaxAge = ms;
  }

  toJSON(): object {
    return { ...this };
  }
}
