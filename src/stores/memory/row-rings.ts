import { enlarge } from './deadline-heap.js';

/** No row. */
export const NONE = -1;

/**
 * Rows (small whole numbers) that are linked into rings. Each row is in one ring. It takes 8 bytes
 * a row, and the time of an operation does not depend on the number of rows. The first row of a
 * ring stands for the ring. `NONE` is the empty ring.
 */
export class RowRings {
  /** For each row, the row after it and the row before it, side by side. */
  #links = new Int32Array(0);

  /** Makes room for the rows below `capacity`. */
  grow(capacity: number): void {
    this.#links = enlarge(this.#links, new Int32Array(2 * capacity));
  }

  /** Adds a row at the end. Returns the first row of the ring. */
  append(first: number, row: number): number {
    if (first === NONE) {
      this.#link(row, row);
      return row;
    }
    this.#link(this.#before(first), row);
    this.#link(row, first);
    return first;
  }

  /** Removes a row. Returns the first row of the ring after that. */
  remove(first: number, row: number): number {
    const after = this.#after(row);
    if (after === row) return NONE;
    this.#link(this.#before(row), after);
    return row === first ? after : first;
  }

  /** All rows of a ring, from the first. The ring must not change meanwhile. */
  *rows(first: number): Generator<number> {
    for (let row = first; row !== NONE; ) {
      yield row;
      row = this.#after(row);
      if (row === first) break;
    }
  }

  #link(before: number, after: number): void {
    this.#links[2 * before] = after;
    this.#links[2 * after + 1] = before;
  }

  #after(row: number): number {
    return Number(this.#links[2 * row]);
  }

  #before(row: number): number {
    return Number(this.#links[2 * row + 1]);
  }
}
