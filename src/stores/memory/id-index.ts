const EMPTY = -1;
/** Above this share of used places, searches become long. */
const FULL = 0.8;

/**
 * Finds the row of an id: a hash table with open addressing. It holds the row and the hash of each
 * id side by side. That takes 10 to 20 bytes, where a `Map` takes 29 to 73. The library makes the
 * ids, and they end with random digits, so a simple hash of the end is enough.
 */
export class IdIndex {
  readonly #hasId: (row: number, id: string) => boolean;
  /** Row and hash of each place, one after the other. */
  #places = new Int32Array(2 * 64).fill(EMPTY);
  #mask = 63;
  #size = 0;

  /** @param hasId returns whether a row that was added has this id */
  constructor(hasId: (row: number, id: string) => boolean) {
    this.#hasId = hasId;
  }

  get size(): number {
    return this.#size;
  }

  get(id: string): number | undefined {
    const place = this.#placeOf(id);
    return place === EMPTY ? undefined : this.#rowAt(place);
  }

  /** Adds the row of an id that is not in the table yet. */
  add(id: string, row: number): void {
    this.#size += 1;
    if (this.#size > (this.#mask + 1) * FULL) this.#grow();
    this.#put(row, hashOf(id));
  }

  /** Removes an id. Its row must still have the id. */
  delete(id: string): void {
    const place = this.#placeOf(id);
    if (place === EMPTY) return;
    this.#size -= 1;
    this.#fill(place);
  }

  rows(): number[] {
    return [...this.#places.filter((row, index) => index % 2 === 0 && row !== EMPTY)];
  }

  /** The place of an id's row, or `EMPTY`. */
  #placeOf(id: string): number {
    const hash = hashOf(id);
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const row = this.#rowAt(place);
      if (row === EMPTY) return EMPTY;
      if (this.#hashAt(place) === hash && this.#hasId(row, id)) return place;
    }
  }

  /** Moves up those rows that a search would no longer find behind the hole. */
  #fill(from: number): void {
    let hole = from;
    for (let place = (hole + 1) & this.#mask; this.#rowAt(place) !== EMPTY; place = (place + 1) & this.#mask) {
      const hash = this.#hashAt(place);
      if (((place - hash) & this.#mask) < ((place - hole) & this.#mask)) continue;
      this.#set(hole, this.#rowAt(place), hash);
      hole = place;
    }
    this.#set(hole, EMPTY, EMPTY);
  }

  #put(row: number, hash: number): void {
    let place = hash & this.#mask;
    while (this.#rowAt(place) !== EMPTY) place = (place + 1) & this.#mask;
    this.#set(place, row, hash);
  }

  #grow(): void {
    const old = this.#places;
    this.#places = new Int32Array(2 * old.length).fill(EMPTY);
    this.#mask = old.length - 1;
    for (let at = 0; at < old.length; at += 2) if (old[at] !== EMPTY) this.#put(Number(old[at]), Number(old[at + 1]));
  }

  #rowAt(place: number): number {
    return Number(this.#places[2 * place]);
  }

  #hashAt(place: number): number {
    return Number(this.#places[2 * place + 1]);
  }

  #set(place: number, row: number, hash: number): void {
    this.#places[2 * place] = row;
    this.#places[2 * place + 1] = hash;
  }
}

function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, id.length - 10); at < id.length; at += 1)
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193);
  return hash ^ (hash >>> 15);
}
