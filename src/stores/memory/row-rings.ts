import { enlarge } from './deadline-heap.js';

/** No row. */
export const NONE = -1;

/**
 * Rows (small whole numbers) linked into rings, each row in one of them: 8 bytes a row, and every
 * operation takes the same time however many there are. A ring is named by the row that it starts
 * with; `NONE` is the empty one.
 */
export class RowRings {
  /** The row after each and the one before it, side by side. */
  #links = new Int32Array(0);

  /** Makes room for the rows below `capacity`. */
  grow(capacity: number): void {
    this.#links = enlarge(this.#links, new Int32Array(2 * capacity));
  }

  /** Adds a row at the end, and answers the row that the ring starts with. */
  append(first: number, row: number): number {
    if (first === NONE) {
      this.#link(row, row);
      return row;
    }
    this.#link(this.#before(first), row);
    this.#link(row, first);
    return first;
  }

  /** Takes a row out, and answers the row that the ring starts with then. */
  remove(first: number, row: number): number {
    const after = this.#after(row);
    if (after === row) return NONE;
    this.#link(this.#before(row), after);
    return row === first ? after : first;
  }

  /** All rows of a ring, from the first. The ring must not be changed meanwhile. */
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
