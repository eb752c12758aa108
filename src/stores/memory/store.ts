import { SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import type {
  LimitedInsert,
  OwnerLimit,
  OwnerTrim,
  SessionRecord,
  SessionStore,
  StoreListener,
  StoreSteps,
  TouchedRecord,
} from '../../core/store.js';
import { evicting, trimFor } from '../shared/insert.js';
import { partsOf, STEP, yieldToOthers } from '../shared/steps.js';
import { atOnce, inSteps, once } from './rounds.js';
import { MemoryTable } from './table.js';

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * The most sessions that are kept; beyond it the least recently active ones are ended.
   *
   * @default 1000000
   */
  readonly maxSessions?: number | undefined;
  /**
   * The clock by which sessions are forgotten, in ms since the epoch.
   *
   * @default Date.now
   */
  readonly now?: (() => number) | undefined;
}

/** A store in this process's memory, with every verb that makes sense for one process. */
export interface MemoryStore extends Required<Omit<SessionStore, 'atomic' | 'onWarning'>> {
  /** The verbs that walk through many sessions, in steps. */
  readonly steps: Required<StoreSteps>;
}

/**
 * A store in the memory of this process: for development, tests, and single processes whose
 * sessions may be lost. It holds encoded text, so it shares no object with its callers. Every verb
 * is atomic, because nothing else runs meanwhile.
 *
 * @example
 * createSessions<Data>({ store: memoryStore({ maxSessions: 100_000 }) });
 *
 * @throws `INVALID_OPTION`
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  checkOptions(options, 'memoryStore()');
  // `Date` is looked up at each call: the fake timers of test runners replace it.
  const { maxSessions = 1_000_000, now = () => Date.now() } = options;
  if (!Number.isSafeInteger(maxSessions) || maxSessions < 1) {
    throw new SessionError('INVALID_OPTION', 'maxSessions must be a positive whole number');
  }
  if (typeof now !== 'function') throw new SessionError('INVALID_OPTION', 'now must be a function');
  return new SessionMap(maxSessions, now);
}

/**
 * How many sessions that may be due each write looks at. So forgetting is spread over the writes.
 */
const LOOKS_PER_WRITE = 8;
/** How many rows one step of a sweep looks at. For each, it reads one number. */
const ROWS_PER_SWEEP = 1_000;

class SessionMap implements MemoryStore {
  readonly steps: Required<StoreSteps>;
  readonly #maxSessions: number;
  readonly #now: () => number;
  #table: MemoryTable;
  readonly #listeners = new Set<(ids: readonly string[]) => void>();

  constructor(maxSessions: number, now: () => number) {
    this.#maxSessions = maxSessions;
    this.#table = new MemoryTable(maxSessions);
    this.#now = now;
    this.steps = {
      insertWithin: (record, ttl, limit) => this.#insertInSteps(record, ttl, limit),
      listByOwner: (ownerId) => this.#listInSteps(ownerId),
      deleteByOwner: (ownerId, except) => inSteps(() => this.#deleteSome(ownerId, except)),
      trimOwner: (ownerId, trim) => inSteps(() => this.#trimSome(ownerId, trim)),
      sweep: (time) => this.#sweepInSteps(time),
      count: () => once(() => this.#table.size),
      clear: () => once(() => this.#clear()),
    };
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#insert(record, ttl);
  }

  async insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    const { ownerId } = record;
    if (ownerId === undefined || this.#alive(record.id) !== undefined)
      return { outcome: this.#insert(record, ttl), evicted: [] };
    const others = this.#counting(ownerId, limit.now, limit.replaces);
    if (limit.onLimit === 'deny' && others.length >= limit.max) return { outcome: 'limit-reached', evicted: [] };
    const evicted = this.#end(this.#table.oldest(others, others.length + 1 - limit.max));
    return { outcome: this.#insert(record, ttl), evicted };
  }

  async find(id: string): Promise<SessionRecord | null> {
    return this.#find(id);
  }

  async findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    return ids.map((id) => this.#find(id));
  }

  async replace(
    record: SessionRecord,
    expectedVersion: string,
    ttl: number,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#update(record.id, expectedVersion, ttl, () => record);
  }

  async touch(
    touched: TouchedRecord,
    expectedVersion: string,
    ttl: number,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    const { id, version, expiresAt } = touched;
    return this.#update(id, expectedVersion, ttl, (row) => ({ ...this.#table.record(row), version, expiresAt }));
  }

  async delete(id: string): Promise<boolean> {
    const row = this.#alive(id);
    if (row === undefined) return false;
    this.#end([row]);
    return true;
  }

  async listByOwner(ownerId: string): Promise<SessionRecord[]> {
    return this.#aliveOf(ownerId).map((row) => this.#table.record(row));
  }

  async deleteByOwner(ownerId: string, except?: string): Promise<string[]> {
    return atOnce(() => this.#deleteSome(ownerId, except));
  }

  async trimOwner(ownerId: string, trim: OwnerTrim): Promise<string[]> {
    return atOnce(() => this.#trimSome(ownerId, trim));
  }

  /** Sessions whose `ttl` has passed are forgotten even without a sweep. */
  async sweep(now: number): Promise<number> {
    return this.#sweep(now, 0, this.#table.end);
  }

  async count(): Promise<number> {
    return this.#table.size;
  }

  async clear(): Promise<void> {
    this.#clear();
  }

  async subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    const report = (ids: readonly string[]) => listener.ended(ids);
    this.#listeners.add(report);
    return async () => void this.#listeners.delete(report);
  }

  async *#insertInSteps(record: SessionRecord, ttl: number, limit: OwnerLimit): AsyncGenerator<LimitedInsert> {
    const { ownerId, id } = record;
    if (ownerId === undefined || limit.onLimit === 'deny') return yield await this.insertWithin(record, ttl, limit);
    const outcome = this.#insert(record, ttl);
    if (outcome === 'exists') yield { outcome, evicted: [] };
    else yield* evicting(this.steps.trimOwner(ownerId, trimFor(id, limit)));
  }

  #insert(record: SessionRecord, ttl: number): 'inserted' | 'exists' {
    const present = this.#alive(record.id);
    if (present !== undefined) return this.#table.hasVersion(present, record.version) ? 'inserted' : 'exists';
    this.#forgetSome();
    const { leastRecent } = this.#table;
    if (leastRecent !== undefined && this.#table.size >= this.#maxSessions) this.#end([leastRecent]);
    this.#table.add(record, this.#now() + ttl);
    return 'inserted';
  }

  #find(id: string): SessionRecord | null {
    const row = this.#alive(id);
    return row === undefined ? null : this.#table.record(row);
  }

  #update(
    id: string,
    expectedVersion: string,
    ttl: number,
    next: (row: number) => SessionRecord,
  ): 'replaced' | 'gone' | 'conflict' {
    const row = this.#alive(id);
    if (row === undefined) return 'gone';
    if (!this.#table.hasVersion(row, expectedVersion)) return 'conflict';
    this.#table.update(row, next(row), this.#now() + ttl);
    this.#forgetSome();
    return 'replaced';
  }

  async *#listInSteps(ownerId: string): AsyncGenerator<SessionRecord[]> {
    const ids = this.#aliveOf(ownerId).map((row) => this.#table.id(row));
    for (const some of partsOf(ids)) {
      yield some.map((id) => this.#find(id)).filter((record) => record !== null);
      await yieldToOthers();
    }
  }

  #deleteSome(ownerId: string, except: string | undefined): string[] {
    return this.#end(this.#aliveOf(ownerId, STEP, (row) => this.#table.id(row) !== except));
  }

  /**
   * Ends some of an owner's sessions that are too many. In any part of the sessions, those beyond
   * the `max` newest must end. So it is enough to look at a few more than `max`.
   */
  #trimSome(ownerId: string, { max, now, keep, ignore }: OwnerTrim): string[] {
    const counting = this.#counting(ownerId, now, ignore, max + STEP);
    const others = counting.filter((row) => this.#table.id(row) !== keep);
    return this.#end(this.#table.oldest(others, counting.length - max));
  }

  /** The sessions of an owner that count for a limit. */
  #counting(ownerId: string, now: number, except: string | undefined, atMost?: number): number[] {
    const table = this.#table;
    return this.#aliveOf(ownerId, atMost, (row) => table.expiresAt(row) > now && table.id(row) !== except);
  }

  async *#sweepInSteps(now: number): AsyncGenerator<number> {
    for (let from = 0; from < this.#table.end; from += ROWS_PER_SWEEP) {
      yield this.#sweep(now, from, from + ROWS_PER_SWEEP);
      await yieldToOthers();
    }
  }

  #sweep(now: number, from: number, to: number): number {
    const expired = this.#table.expired(now, from, to);
    for (const row of expired) this.#table.remove(row);
    return expired.length;
  }

  #clear(): number {
    const { size } = this.#table;
    const ids = this.#listeners.size > 0 ? this.#table.ids() : [];
    this.#table = new MemoryTable(this.#maxSessions);
    this.#report(ids);
    return size;
  }

  #alive(id: string): number | undefined {
    const row = this.#table.rowOf(id);
    return row !== undefined && this.#isAlive(row) ? row : undefined;
  }

  #isAlive(row: number): boolean {
    if (this.#table.forgetAt(row) >= this.#now()) return true;
    this.#table.remove(row);
    return false;
  }

  #aliveOf(ownerId: string, atMost = Number.POSITIVE_INFINITY, fits: (row: number) => boolean = () => true): number[] {
    const [alive, due]: [number[], number[]] = [[], []];
    const now = this.#now();
    for (const row of this.#table.rowsOf(ownerId)) {
      if (this.#table.forgetAt(row) < now) due.push(row);
      else if (fits(row)) alive.push(row);
      if (alive.length >= atMost) break;
    }
    for (const row of due) this.#table.remove(row);
    return alive;
  }

  #forgetSome(): void {
    const now = this.#now();
    for (let looks = 0; looks < LOOKS_PER_WRITE; looks += 1) {
      const row = this.#table.due(now);
      if (row === undefined) return;
      if (this.#isAlive(row)) this.#table.postpone(row);
    }
  }

  /** Ends sessions and reports them. Returns their ids. */
  #end(rows: readonly number[]): string[] {
    const ids = rows.map((row) => this.#table.id(row));
    for (const row of rows) this.#table.remove(row);
    this.#report(ids);
    return ids;
  }

  #report(ids: readonly string[]): void {
    if (ids.length > 0) for (const report of this.#listeners) report(ids);
  }
}
