/**
 * Entries by their time, earliest first: a binary heap. Times and entries stand in two arrays, as an array of numbers takes 8 bytes
 * each and needs no objects.
 */
export class DeadlineHeap<Entry> {
  #times: number[] = [];
  #entries: Entry[] = [];

  get size(): number {
    return this.#times.length;
  }

  /** The earliest time, or `Infinity` where there is none. */
  get earliest(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  push(time: number, entry: Entry): void {
    let slot = this.#times.length;
    this.#times.push(time);
    this.#entries.push(entry);
    while (slot > 0) {
      const parent = (slot - 1) >> 1;
      if (this.#timeAt(parent) <= time) break;
      this.#move(parent, slot);
      slot = parent;
    }
    this.#put(slot, time, entry);
  }

  /** Removes the earliest entry. */
  pop(): Entry | undefined {
    const first = this.#entries[0];
    const time = this.#times.pop();
    const entry = this.#entries.pop();
    if (time !== undefined && entry !== undefined && this.#times.length > 0) this.#sink(time, entry);
    return first;
  }

  /** Keeps the entries for which `timeOf` gives a time, with that time, in linear time. */
  rebuild(timeOf: (entry: Entry) => number | undefined): void {
    const entries = this.#entries;
    this.#times = [];
    this.#entries = [];
    for (const entry of entries) {
      const time = timeOf(entry);
      if (time !== undefined) this.push(time, entry);
    }
  }

  /** Puts an entry in at the root and lets it sink to its place. */
  #sink(time: number, entry: Entry): void {
    const size = this.#times.length;
    let slot = 0;
    for (let child = 1; child < size; child = 2 * slot + 1) {
      if (child + 1 < size && this.#timeAt(child + 1) < this.#timeAt(child)) child += 1;
      if (this.#timeAt(child) >= time) break;
      this.#move(child, slot);
      slot = child;
    }
    this.#put(slot, time, entry);
  }

  #timeAt(slot: number): number {
    return this.#times[slot] ?? Number.POSITIVE_INFINITY;
  }

  #move(from: number, to: number): void {
    const entry = this.#entries[from];
    if (entry !== undefined) this.#put(to, this.#timeAt(from), entry);
  }

  #put(slot: number, time: number, entry: Entry): void {
    this.#times[slot] = time;
    this.#entries[slot] = entry;
  }
}
