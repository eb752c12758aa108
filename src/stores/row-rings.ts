import { enlarge } from './deadline-heap.js';

/** No row. */
export const NONE = -1;

/**
 * Rows (small whole numbers) linked into rings, each row in one of them: 8 bytes a row, and every operation takes the same time
 * however many there are. A ring is named by the row that it starts with; `NONE` is the empty one.
 */
export class RowRings {
  #after = new Int32Array(0);
  #before = new Int32Array(0);

  /** Makes room for the rows below `capacity`. */
  grow(capacity: number): void {
    this.#after = enlarge(this.#after, new Int32Array(capacity));
    this.#before = enlarge(this.#before, new Int32Array(capacity));
  }

  /** Adds a row at the end, and answers the row that the ring starts with. */
  append(first: number, row: number): number {
    if (first === NONE) {
      this.#link(row, row);
      return row;
    }
    this.#link(this.#before[first] ?? NONE, row);
    this.#link(row, first);
    return first;
  }

  /** Takes a row out, and answers the row that the ring starts with then. */
  remove(first: number, row: number): number {
    const after = this.#after[row] ?? NONE;
    if (after === row) return NONE;
    this.#link(this.#before[row] ?? NONE, after);
    return row === first ? after : first;
  }

  /** All rows of a ring, from the first. */
  list(first: number): number[] {
    const rows: number[] = [];
    for (let row = first; row !== NONE; ) {
      rows.push(row);
      row = this.#after[row] ?? NONE;
      if (row === first) break;
    }
    return rows;
  }

  #link(before: number, after: number): void {
    this.#after[before] = after;
    this.#before[after] = before;
  }
}
