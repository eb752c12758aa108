/**
 * Ten years. Some stores count in 32 bits, or cannot represent later years. Each write starts a
 * new period.
 */
const LONGEST = 3_650 * 86_400_000;

/**
 * The part of a session that shows a store how long to keep it. Some read `expires`, some
 * `maxAge`, some `originalMaxAge`. All three give the remaining time. Mutable, because stores
 * change it. express-session would send the other attributes to its clients, so they have strict
 * values.
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
