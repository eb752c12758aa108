/**
 * Writes that the library has given up, because the store did not call back. They may still happen
 * at any time, and would then restore a session that was deleted meanwhile.
 */
export class LateWrites {
  readonly #lateWrites = new Map<string, { count: number; deleted: boolean }>();

  /** Notes that a write of this session was given up. */
  lost(id: string): void {
    const late = this.#lateWrites.get(id) ?? { count: 0, deleted: false };
    late.count += 1;
    this.#lateWrites.set(id, late);
  }

  /** Notes that the session was deleted. */
  deleted(id: string): void {
    const late = this.#lateWrites.get(id);
    if (late) late.deleted = true;
  }

  /**
   * Notes that a given-up write has happened after all. Returns whether the session was deleted
   * before.
   */
  returned(id: string): boolean {
    const late = this.#lateWrites.get(id);
    if (!late) return false;
    late.count -= 1;
    if (late.count === 0) this.#lateWrites.delete(id);
    return late.deleted;
  }
}
