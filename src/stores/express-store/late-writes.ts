/**
 * Writes that were given up because the store did not call back: they may still happen, at any
 * time. A session that was deleted in the meantime would be back then.
 */
export class LateWrites {
  readonly #lateWrites = new Map<string, { count: number; deleted: boolean }>();

  /** A write of this session was given up. */
  lost(id: string): void {
    const stray = this.#lateWrites.get(id) ?? { count: 0, deleted: false };
    stray.count += 1;
    this.#lateWrites.set(id, stray);
  }

  /** The session was deleted. */
  deleted(id: string): void {
    const stray = this.#lateWrites.get(id);
    if (stray) stray.deleted = true;
  }

  /**
   * A write that was given up has happened after all. Answers whether the session had been deleted
   * before.
   */
  returned(id: string): boolean {
    const stray = this.#lateWrites.get(id);
    if (!stray) return false;
    stray.count -= 1;
    if (stray.count === 0) this.#lateWrites.delete(id);
    return stray.deleted;
  }
}
