/** How often one session's reuse is reported by a process, in ms. */
const INTERVAL = 60_000;
/** As many sessions as are remembered: some 100 bytes each. */
const MOST = 10_000;

/**
 * Limits reports to one a minute for each session. Beyond {@link MOST} sessions in a minute the
 * oldest is forgotten, so that others' reports cannot keep one session's from being made.
 */
export class ReportLimit {
  /** When each session was last reported; the oldest first. */
  readonly #reported = new Map<string, number>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** Whether to report this session now. If so, it counts as reported. */
  allows(id: string, now: number): boolean {
    const last = this.#reported.get(id);
    // A clock that was set back does not silence it for longer.
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
