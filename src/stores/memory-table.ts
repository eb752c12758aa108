import type { SessionRecord } from '../core/store.js';
import { DeadlineHeap, enlarge } from './deadline-heap.js';
import { NONE, RowRings } from './row-rings.js';

/** The times of a row stand side by side: a look at one brings the others into the processor's cache. */
const TIMES = 3;
const CREATED = 0;
const EXPIRES = 1;
const FORGET = 2;
/** And so do its texts. The third is the version and the body in one, after the length of the version. */
const TEXTS = 3;
const ID = 0;
const OWNER = 1;
const CONTENT = 2;

/**
 * Records in rows of plain columns: an object for each of a million sessions, with its boxed numbers, takes twice the memory, and
 * the time of the garbage collector.
 */
export class MemoryTable {
  #capacity = 0;
  /** Rows that were never used begin here. */
  #fresh = 0;
  readonly #free: number[] = [];
  #times = new Float64Array(0);
  #texts: (string | undefined)[] = [];
  readonly #rows = new Map<string, number>();
  /** All rows in the order of their activity. */
  readonly #activity = new RowRings();
  #leastRecent = NONE;
  readonly #siblings = new RowRings();
  /** The first row of each owner's. */
  readonly #owners = new Map<string, number>();
  /** By a time that is not later than when the row may be forgotten. */
  readonly #deadlines = new DeadlineHeap();

  get size(): number {
    return this.#rows.size;
  }

  /** The row of the least recent activity. */
  get leastRecent(): number | undefined {
    return this.#leastRecent === NONE ? undefined : this.#leastRecent;
  }

  rowOf(id: string): number | undefined {
    return this.#rows.get(id);
  }

  rowsOf(ownerId: string): number[] {
    return this.#siblings.list(this.#owners.get(ownerId) ?? NONE);
  }

  /** The ids of all rows. */
  ids(): string[] {
    return [...this.#rows.keys()];
  }

  /** The rows whose deadline has come at `now`: looks at every row, but at nothing of it besides the one number. */
  expired(now: number): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#fresh; row += 1) if (this.expiresAt(row) <= now) rows.push(row);
    return rows;
  }

  add(record: SessionRecord, forgetAt: number): void {
    const row = this.#newRow();
    const ownerId = record.ownerId === undefined ? undefined : ownCopy(record.ownerId);
    this.#rows.set(record.id, row);
    this.#texts[row * TEXTS + ID] = record.id;
    this.#texts[row * TEXTS + OWNER] = ownerId;
    this.#times[row * TIMES + CREATED] = record.createdAt;
    this.#leastRecent = this.#activity.append(this.#leastRecent, row);
    if (ownerId !== undefined) this.#owners.set(ownerId, this.#siblings.append(this.#owners.get(ownerId) ?? NONE, row));
    this.#deadlines.set(row, forgetAt);
    this.#write(row, record, forgetAt);
  }

  /** Writes what can change of a record. */
  update(row: number, record: SessionRecord, forgetAt: number): void {
    const active = record.expiresAt > this.expiresAt(row);
    // A later time is left to be found when the earlier one has come: most sessions are written often in between.
    if (forgetAt < this.forgetAt(row)) this.#deadlines.set(row, forgetAt);
    this.#write(row, record, forgetAt);
    if (active) this.#leastRecent = this.#activity.append(this.#activity.remove(this.#leastRecent, row), row);
  }

  remove(row: number): void {
    const ownerId = this.#textOf(row, OWNER);
    this.#rows.delete(this.id(row));
    this.#leastRecent = this.#activity.remove(this.#leastRecent, row);
    if (ownerId !== undefined) this.#removeSibling(ownerId, row);
    this.#deadlines.delete(row);
    for (let column = 0; column < TEXTS; column += 1) this.#texts[row * TEXTS + column] = undefined;
    this.#times[row * TIMES + EXPIRES] = Number.POSITIVE_INFINITY;
    this.#free.push(row);
  }

  /** A row that may be forgotten at `now`, as far as is known without looking at those that have become later. */
  due(now: number): number | undefined {
    return this.#deadlines.due(now);
  }

  /** Notes that a row that was {@link due} has become later. */
  postpone(row: number): void {
    this.#deadlines.set(row, this.forgetAt(row));
  }

  id(row: number): string {
    return this.#textOf(row, ID) ?? '';
  }

  createdAt(row: number): number {
    return this.#timeOf(row, CREATED);
  }

  expiresAt(row: number): number {
    return this.#timeOf(row, EXPIRES);
  }

  forgetAt(row: number): number {
    return this.#timeOf(row, FORGET);
  }

  /** Whether the row holds this version. */
  hasVersion(row: number, version: string): boolean {
    const content = this.#textOf(row, CONTENT) ?? '';
    return content.charCodeAt(0) === version.length && content.startsWith(version, 1);
  }

  record(row: number): SessionRecord {
    const content = this.#textOf(row, CONTENT) ?? '';
    const ownerId = this.#textOf(row, OWNER);
    const end = 1 + content.charCodeAt(0);
    return {
      id: this.id(row),
      version: content.slice(1, end),
      ...(ownerId !== undefined && { ownerId }),
      createdAt: this.createdAt(row),
      expiresAt: this.expiresAt(row),
      body: content.slice(end),
    };
  }

  #write(row: number, { version, expiresAt, body }: SessionRecord, forgetAt: number): void {
    this.#texts[row * TEXTS + CONTENT] = flat(String.fromCharCode(version.length), version, body);
    this.#times[row * TIMES + EXPIRES] = expiresAt;
    this.#times[row * TIMES + FORGET] = forgetAt;
  }

  #removeSibling(ownerId: string, row: number): void {
    const first = this.#siblings.remove(this.#owners.get(ownerId) ?? NONE, row);
    if (first === NONE) this.#owners.delete(ownerId);
    else this.#owners.set(ownerId, first);
  }

  #newRow(): number {
    const used = this.#free.pop();
    if (used !== undefined) return used;
    if (this.#fresh === this.#capacity) this.#grow();
    this.#fresh += 1;
    return this.#fresh - 1;
  }

  #grow(): void {
    const capacity = 64 + Math.ceil(this.#capacity * 1.25);
    this.#times = enlarge(this.#times, new Float64Array(capacity * TIMES));
    this.#activity.grow(capacity);
    this.#siblings.grow(capacity);
    this.#deadlines.grow(capacity);
    this.#capacity = capacity;
  }

  #textOf(row: number, column: number): string | undefined {
    return this.#texts[row * TEXTS + column];
  }

  #timeOf(row: number, column: number): number {
    return this.#times[row * TIMES + column] ?? 0;
  }
}

/**
 * The pieces as one text of its own. A text that was put together by `+`, or cut out of another, is kept by engines as a reference to
 * its parts or to the whole of the other, which takes several times its size.
 */
function flat(...pieces: string[]): string {
  return pieces.join('');
}

function ownCopy(text: string): string {
  return flat(text.slice(0, 1), text.slice(1));
}
