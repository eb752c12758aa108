import type { SessionRecord } from '../../core/store.js';
import { DeadlineHeap, enlarge } from './deadline-heap.js';
import { IdIndex } from './id-index.js';
import { hasId, hasVersion, ownCopy, pack, packedId, unpack } from './packed-text.js';
import { NONE, RowRings } from './row-rings.js';

/** The times of a row are side by side, so that one read brings all into the processor's cache. */
const TIMES = 3;
const CREATED = 0;
const EXPIRES = 1;
const FORGET = 2;
/** The texts of a row are side by side too: its owner, and all others packed into one. */
const TEXTS = 2;
const OWNER = 0;
const PACKED = 1;

/**
 * Records in rows of plain columns. An object for each of a million sessions, with boxed numbers,
 * would take twice the memory, and time in the garbage collector.
 */
export class MemoryTable {
  readonly #maxRows: number;
  #capacity = 0;
  /** The first row that was never used. */
  #fresh = 0;
  readonly #free: number[] = [];
  #times = new Float64Array(0);
  #texts: (string | undefined)[] = [];
  readonly #rows = new IdIndex((row, id) => hasId(this.#packed(row), id));
  /** All rows in the order of their last activity. */
  readonly #activity = new RowRings();
  #leastRecent = NONE;
  readonly #siblings = new RowRings();
  /** The first row of each owner. */
  readonly #owners = new Map<string, number>();
  /** Each row has a time that is not later than the time when it may be forgotten. */
  readonly #deadlines = new DeadlineHeap();

  constructor(maxRows: number) {
    this.#maxRows = maxRows;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The row with the least recent activity. */
  get leastRecent(): number | undefined {
    return this.#leastRecent === NONE ? undefined : this.#leastRecent;
  }

  rowOf(id: string): number | undefined {
    return this.#rows.get(id);
  }

  /**
   * The rows of an owner, in the order of their insertion. The table must not change meanwhile.
   */
  rowsOf(ownerId: string): Iterable<number> {
    return this.#siblings.rows(this.#owners.get(ownerId) ?? NONE);
  }

  /** The ids of all rows. */
  ids(): string[] {
    return this.#rows.rows().map((row) => this.id(row));
  }

  /** Rows from here on are not in use. */
  get end(): number {
    return this.#fresh;
  }

  /** The `count` rows that were created first. At the same time, the lower ids are first. */
  oldest(rows: readonly number[], count: number): readonly number[] {
    if (count <= 0) return [];
    const age = (a: number, b: number) => this.createdAt(a) - this.createdAt(b) || (this.id(a) < this.id(b) ? -1 : 1);
    return rows.toSorted(age).slice(0, count);
  }

  /** The rows from `from` to `to` whose deadline has passed. It reads only one number for each. */
  expired(now: number, from: number, to: number): number[] {
    const rows: number[] = [];
    for (let row = from; row < Math.min(to, this.#fresh); row += 1) if (this.expiresAt(row) <= now) rows.push(row);
    return rows;
  }

  add(record: SessionRecord, forgetAt: number): void {
    const row = this.#newRow();
    this.#times[row * TIMES + CREATED] = record.createdAt;
    this.#leastRecent = this.#activity.append(this.#leastRecent, row);
    if (record.ownerId !== undefined) this.#setOwner(row, record.ownerId);
    this.#deadlines.set(row, forgetAt);
    this.#write(row, record, forgetAt);
    this.#rows.add(record.id, row);
  }

  /** Writes the parts of a record that can change. */
  update(row: number, record: SessionRecord, forgetAt: number): void {
    const active = record.expiresAt > this.expiresAt(row);
    if (record.ownerId !== undefined && this.#ownerOf(row) === undefined) this.#setOwner(row, record.ownerId);
    // A later time is not entered now. It is found when the earlier time has come, because most
    // sessions are written often until then.
    if (forgetAt < this.forgetAt(row)) this.#deadlines.set(row, forgetAt);
    this.#write(row, record, forgetAt);
    if (active) this.#leastRecent = this.#activity.append(this.#activity.remove(this.#leastRecent, row), row);
  }

  remove(row: number): void {
    const ownerId = this.#ownerOf(row);
    this.#rows.delete(this.id(row));
    this.#leastRecent = this.#activity.remove(this.#leastRecent, row);
    if (ownerId !== undefined) this.#removeSibling(ownerId, row);
    this.#deadlines.delete(row);
    for (let column = 0; column < TEXTS; column += 1) this.#texts[row * TEXTS + column] = undefined;
    this.#times[row * TIMES + EXPIRES] = Number.POSITIVE_INFINITY;
    this.#free.push(row);
  }

  /**
   * A row that may be due at `now`. Its real time may be later: the times that {@link update} did
   * not enter are not considered.
   */
  due(now: number): number | undefined {
    return this.#deadlines.due(now);
  }

  /** Enters the real time of a row that {@link due} returned. */
  postpone(row: number): void {
    this.#deadlines.set(row, this.forgetAt(row));
  }

  id(row: number): string {
    return packedId(this.#packed(row));
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

  hasVersion(row: number, version: string): boolean {
    return hasVersion(this.#packed(row), version);
  }

  record(row: number): SessionRecord {
    const { id, version, body } = unpack(this.#packed(row));
    const ownerId = this.#ownerOf(row);
    return {
      id,
      version,
      ...(ownerId !== undefined && { ownerId }),
      createdAt: this.createdAt(row),
      expiresAt: this.expiresAt(row),
      body,
    };
  }

  #write(row: number, record: SessionRecord, forgetAt: number): void {
    this.#texts[row * TEXTS + PACKED] = pack(record);
    this.#times[row * TIMES + EXPIRES] = record.expiresAt;
    this.#times[row * TIMES + FORGET] = forgetAt;
  }

  #setOwner(row: number, given: string): void {
    const ownerId = ownCopy(given);
    this.#texts[row * TEXTS + OWNER] = ownerId;
    this.#owners.set(ownerId, this.#siblings.append(this.#owners.get(ownerId) ?? NONE, row));
  }

  #removeSibling(ownerId: string, row: number): void {
    const first = this.#siblings.remove(Number(this.#owners.get(ownerId)), row);
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
    const capacity = Math.min(this.#maxRows, 64 + Math.ceil(this.#capacity * 1.25));
    this.#times = enlarge(this.#times, new Float64Array(capacity * TIMES));
    this.#activity.grow(capacity);
    this.#siblings.grow(capacity);
    this.#deadlines.grow(capacity);
    this.#capacity = capacity;
  }

  #packed(row: number): string {
    return String(this.#texts[row * TEXTS + PACKED]);
  }

  #ownerOf(row: number): string | undefined {
    return this.#texts[row * TEXTS + OWNER];
  }

  #timeOf(row: number, column: number): number {
    return Number(this.#times[row * TIMES + column]);
  }
}
