import { SessionError } from '../../core/error.js';
import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore, StoreListener } from '../../core/store.js';
import { MemoryTable } from './table.js';

export interface MemoryStoreOptions {
  /** The most sessions that are kept; beyond it the least recently active ones are ended. Default 1,000,000. */
  readonly maxSessions?: number | undefined;
  /** The clock by which sessions are forgotten, in ms since the epoch. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The store in this process's memory: with every capability of the contract that makes sense for one process. */
export type MemoryStore = Required<Omit<SessionStore, 'atomic'>>;

/**
 * A store in the memory of this process: for development, tests and single processes whose sessions may be lost. Holds
 * encoded text, so that nothing is shared with what was put in; every verb is atomic, as nothing else runs meanwhile.
 *
 * @throws `INVALID_OPTION`
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { maxSessions = 1_000_000, now = Date.now } = options;
  if (!Number.isSafeInteger(maxSessions) || maxSessions < 1) {
    throw new SessionError('INVALID_OPTION', 'maxSessions has to be a positive whole number');
  }
  if (typeof now !== 'function') throw new SessionError('INVALID_OPTION', 'now has to be a function');
  return new SessionMap(maxSessions, now);
}

/** Forgetting is spread over the writes: each looks at no more than this many sessions whose time may have come. */
const LOOKS_PER_WRITE = 8;

class SessionMap implements MemoryStore {
  readonly #maxSessions: number;
  readonly #now: () => number;
  #table: MemoryTable;
  readonly #listeners = new Set<(ids: readonly string[]) => void>();

  constructor(maxSessions: number, now: () => number) {
    this.#maxSessions = maxSessions;
    this.#table = new MemoryTable(maxSessions);
    this.#now = now;
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#insert(record, ttl);
  }

  async insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    const table = this.#table;
    if (this.#alive(record.id) !== undefined) return { outcome: this.#insert(record, ttl), evicted: [] };
    const others = this.#aliveOf(record.ownerId).filter((row) => table.expiresAt(row) > limit.now);
    const excess = Math.max(0, others.length + 1 - limit.max);
    if (excess > 0 && limit.onLimit === 'deny') return { outcome: 'limit-reached', evicted: [] };
    const age = (a: number, b: number) => table.createdAt(a) - table.createdAt(b) || (table.id(a) < table.id(b) ? -1 : 1);
    const evicted = this.#end(others.sort(age).slice(0, excess));
    return { outcome: this.#insert(record, ttl), evicted };
  }

  async find(id: string): Promise<SessionRecord | null> {
    return this.#find(id);
  }

  async findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    return ids.map((id) => this.#find(id));
  }

  async replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    const row = this.#alive(record.id);
    if (row === undefined) return 'gone';
    if (!this.#table.hasVersion(row, expectedVersion)) return 'conflict';
    this.#table.update(row, record, this.#now() + ttl);
    this.#forgetSome();
    return 'replaced';
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
    return this.#end(this.#aliveOf(ownerId).filter((row) => this.#table.id(row) !== except));
  }

  /** Looks at every session; those whose `ttl` has passed are forgotten without it. */
  async sweep(now: number): Promise<number> {
    const expired = this.#table.expired(now);
    for (const row of expired) this.#table.remove(row);
    return expired.length;
  }

  async count(): Promise<number> {
    return this.#table.size;
  }

  async clear(): Promise<void> {
    const ids = this.#listeners.size > 0 ? this.#table.ids() : [];
    this.#table = new MemoryTable(this.#maxSessions);
    this.#tell(ids);
  }

  async subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    const told = (ids: readonly string[]) => listener.ended(ids);
    this.#listeners.add(told);
    return async () => void this.#listeners.delete(told);
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

  #alive(id: string): number | undefined {
    const row = this.#table.rowOf(id);
    return row !== undefined && this.#isAlive(row) ? row : undefined;
  }

  #isAlive(row: number): boolean {
    if (this.#table.forgetAt(row) > this.#now()) return true;
    this.#table.remove(row);
    return false;
  }

  #aliveOf(ownerId: string | undefined): number[] {
    return ownerId === undefined ? [] : this.#table.rowsOf(ownerId).filter((row) => this.#isAlive(row));
  }

  #forgetSome(): void {
    const now = this.#now();
    for (let looks = 0; looks < LOOKS_PER_WRITE; looks += 1) {
      const row = this.#table.due(now);
      if (row === undefined) return;
      if (this.#isAlive(row)) this.#table.postpone(row);
    }
  }

  /** Removes sessions before their time, and answers their ids. */
  #end(rows: readonly number[]): string[] {
    const ids = rows.map((row) => this.#table.id(row));
    for (const row of rows) this.#table.remove(row);
    this.#tell(ids);
    return ids;
  }

  #tell(ids: readonly string[]): void {
    if (ids.length > 0) for (const told of this.#listeners) told(ids);
  }
}
