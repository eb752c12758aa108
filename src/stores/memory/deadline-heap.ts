/** The resolution of deadlines in ms. A finer one would need wider numbers. */
const STEP = 1_024;
const LAST_STEP = 2 ** 32 - 1;
const ABSENT = -1;

/**
 * Rows (small whole numbers) by their deadline, earliest first: a binary heap that knows the place
 * of each row. It takes 12 bytes a row, because it counts in steps of about a second. So a row
 * comes out at its deadline or up to a step later, never before.
 */
export class DeadlineHeap {
  #size = 0;
  /** The step of the row at each place. `#rows` has the row itself. */
  #steps = new Uint32Array(0);
  #rows = new Int32Array(0);
  /** The place of each row. */
  #places = new Int32Array(0);

  get size(): number {
    return this.#size;
  }

  /** Makes room for the rows below `capacity`. */
  grow(capacity: number): void {
    const places = new Int32Array(capacity).fill(ABSENT);
    places.set(this.#places);
    this.#places = places;
    this.#steps = enlarge(this.#steps, new Uint32Array(capacity));
    this.#rows = enlarge(this.#rows, new Int32Array(capacity));
  }

  /** Adds a row, or moves it to another deadline (ms since the epoch). */
  set(row: number, deadline: number): void {
    const step = Math.min(LAST_STEP, Math.max(0, Math.ceil(deadline / STEP)));
    const known = this.#placeOf(row);
    if (known === ABSENT) this.#size += 1;
    this.#settle(known === ABSENT ? this.#size - 1 : known, step, row);
  }

  delete(row: number): void {
    const place = this.#placeOf(row);
    if (place === ABSENT) return;
    this.#size -= 1;
    this.#places[row] = ABSENT;
    if (place < this.#size) this.#settle(place, this.#stepAt(this.#size), this.#rowAt(this.#size));
  }

  /** The row with the earliest deadline, if that has passed at `now`. */
  due(now: number): number | undefined {
    return this.#size > 0 && this.#stepAt(0) * STEP <= now ? this.#rowAt(0) : undefined;
  }

  /** Puts a row at a place and lets it rise or sink from there. */
  #settle(place: number, step: number, row: number): void {
    let free = place;
    while (free > 0 && this.#stepAt((free - 1) >> 1) > step) free = this.#move((free - 1) >> 1, free);
    for (
      let child = this.#lesserChild(free);
      child < this.#size && this.#stepAt(child) < step;
      child = this.#lesserChild(free)
    ) {
      free = this.#move(child, free);
    }
    this.#put(free, step, row);
  }

  #lesserChild(place: number): number {
    const left = 2 * place + 1;
    return left + 1 < this.#size && this.#stepAt(left + 1) < this.#stepAt(left) ? left + 1 : left;
  }

  #move(from: number, to: number): number {
    this.#put(to, this.#stepAt(from), this.#rowAt(from));
    return from;
  }

  #put(place: number, step: number, row: number): void {
    this.#steps[place] = step;
    this.#rows[place] = row;
    this.#places[row] = place;
  }

  #stepAt(place: number): number {
    return Number(this.#steps[place]);
  }

  #rowAt(place: number): number {
    return Number(this.#rows[place]);
  }

  #placeOf(row: number): number {
    return Number(this.#places[row]);
  }
}

/** Copies a column into a longer one. */
export function enlarge<Column extends Int32Array | Uint32Array | Float64Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
