/** The shortest time between two reports about one session, in ms. */
const INTERVAL = 60_000;
/** How many sessions are remembered. Each takes about 100 bytes. */
const MOST = 10_000;

/**
 * Limits reports to one a minute for each session. After {@link MOST} sessions in a minute, it
 * forgets the oldest. So reports about other sessions cannot suppress the report about this one.
 */
export class ReportLimit {
  /** When each session was last reported, oldest first. */
  readonly #reported = new Map<string, number>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** Whether to report this session now. If so, the session counts as reported. */
  allows(id: string, now: number): boolean {
    const last = this.#reported.get(id);
    // A clock that was set back must not suppress reports for longer.
    if (last !== undefined && Math.abs(now - last) < INTERVAL) return false;
    this.#reported.delete(id);
    this.#reported.set(id, now);
    this.#forget();
    return true;
  }

  #forget(): void {
    if (this.#reported.size <= this.#most) return;
    for (const oldest of this.#reported.keys()) {
      this.#reported.delete(oldest);
      return;
    }
  }
}
