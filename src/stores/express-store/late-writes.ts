/**
 * Writes that the library has given up, because the store did not call back. They may still happen
 * at any time, and would then restore a session that was deleted meanwhile.
 */
export class LateWrites {
  readonly #lateWrites = new Map<string, { count: number; deleted: boolean }>();

  /** Notes that a write of this session was given up. */
  lost(id: string): void {
    const stray = this.#lateWrites.get(id) ?? { count: 0, deleted: false };
    stray.count += 1;
    this.#lateWrites.set(id, stray);
  }

  /** Notes that the session was deleted. */
  deleted(id: string): void {
    const stray = this.#lateWrites.get(id);
    if (stray) stray.deleted = true;
  }

  /**
   * Notes that a given-up write has happened after all. Returns whether the session was deleted
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
