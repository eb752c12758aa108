import { SessionError } from '../core/error.js';
import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore, StoreListener } from '../core/store.js';
import { DeadlineHeap } from './deadline-heap.js';

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

/** One session. Flat, and apart from the record, since there may be a million of them. */
interface Entry {
  readonly id: string;
  version: string;
  readonly ownerId: string | undefined;
  readonly createdAt: number;
  expiresAt: number;
  body: string;
  /** When it may be forgotten by the store's clock; -1 once it was removed. */
  forgetAt: number;
}

const REMOVED = -1;
/** Forgetting is spread over the writes: each removes at most this many. */
const FORGET_PER_WRITE = 8;

class SessionMap implements MemoryStore {
  readonly #maxSessions: number;
  readonly #now: () => number;
  /** In the order of their activity, the least recent first. */
  readonly #entries = new Map<string, Entry>();
  /** Each entry stands here at least once, by a time that is not later than its `forgetAt`. */
  readonly #deadlines = new DeadlineHeap<Entry>();
  /** The ids of each owner; a single one without a set around it, since most have one. */
  readonly #owners = new Map<string, string | Set<string>>();
  readonly #listeners = new Set<StoreListener>();

  constructor(maxSessions: number, now: () => number) {
    this.#maxSessions = maxSessions;
    this.#now = now;
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#insert(record, ttl);
  }

  async insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    if (this.#alive(record.id)) return { outcome: this.#insert(record, ttl), evicted: [] };
    const others = this.#entriesOf(record.ownerId ?? '').filter((entry) => entry.expiresAt > limit.now);
    const excess = others.length + 1 - limit.max;
    if (excess > 0 && limit.onLimit === 'deny') return { outcome: 'limit-reached', evicted: [] };
    const evicted = others.sort(byAge).slice(0, Math.max(0, excess));
    for (const entry of evicted) this.#remove(entry);
    this.#tell(evicted.map((entry) => entry.id));
    return { outcome: this.#insert(record, ttl), evicted: evicted.map((entry) => entry.id) };
  }

  async find(id: string): Promise<SessionRecord | null> {
    const entry = this.#alive(id);
    return entry ? recordOf(entry) : null;
  }

  async findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    return Promise.all(ids.map((id) => this.find(id)));
  }

  async replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    const entry = this.#alive(record.id);
    if (!entry) return 'gone';
    if (entry.version !== expectedVersion) return 'conflict';
    const active = record.expiresAt > entry.expiresAt;
    const forgetAt = this.#now() + ttl;
    // A later time is left to be found when the earlier one has come: most sessions are written often in between.
    if (forgetAt < entry.forgetAt) this.#deadlines.push(forgetAt, entry);
    entry.version = record.version;
    entry.expiresAt = record.expiresAt;
    entry.body = record.body;
    entry.forgetAt = forgetAt;
    if (active) {
      this.#entries.delete(entry.id);
      this.#entries.set(entry.id, entry);
    }
    this.#forget(FORGET_PER_WRITE);
    return 'replaced';
  }

  async delete(id: string): Promise<boolean> {
    const entry = this.#alive(id);
    if (!entry) return false;
    this.#remove(entry);
    this.#tell([id]);
    return true;
  }

  async listByOwner(ownerId: string): Promise<SessionRecord[]> {
    return this.#entriesOf(ownerId).map(recordOf);
  }

  async deleteByOwner(ownerId: string, except?: string): Promise<string[]> {
    const entries = this.#entriesOf(ownerId).filter((entry) => entry.id !== except);
    for (const entry of entries) this.#remove(entry);
    const ids = entries.map((entry) => entry.id);
    this.#tell(ids);
    return ids;
  }

  async sweep(now: number): Promise<number> {
    const before = this.#entries.size;
    this.#forget(Number.POSITIVE_INFINITY, now);
    return before - this.#entries.size;
  }

  async count(): Promise<number> {
    return this.#entries.size;
  }

  async clear(): Promise<void> {
    const ids = [...this.#entries.keys()];
    for (const entry of this.#entries.values()) entry.forgetAt = REMOVED;
    this.#entries.clear();
    this.#owners.clear();
    this.#deadlines.rebuild(() => undefined);
    this.#tell(ids);
  }

  async subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    this.#listeners.add(listener);
    return async () => void this.#listeners.delete(listener);
  }

  #insert(record: SessionRecord, ttl: number): 'inserted' | 'exists' {
    const present = this.#alive(record.id);
    if (present) return present.version === record.version ? 'inserted' : 'exists';
    const { id, version, ownerId, createdAt, expiresAt, body } = record;
    const entry: Entry = { id, version, ownerId, createdAt, expiresAt, body, forgetAt: this.#now() + ttl };
    this.#forget(FORGET_PER_WRITE);
    if (this.#entries.size >= this.#maxSessions) this.#evict();
    this.#entries.set(id, entry);
    this.#deadlines.push(entry.forgetAt, entry);
    if (ownerId !== undefined) this.#index(ownerId, id);
    return 'inserted';
  }

  #alive(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    if (!entry || entry.forgetAt > this.#now()) return entry;
    this.#remove(entry);
    return undefined;
  }

  /** Removes entries whose time has come, at most so many. */
  #forget(atMost: number, now = this.#now()): void {
    for (let removed = 0; removed < atMost && this.#deadlines.earliest <= now; ) {
      const entry = this.#deadlines.pop();
      if (!entry || entry.forgetAt === REMOVED) continue;
      if (entry.forgetAt > now) {
        this.#deadlines.push(entry.forgetAt, entry);
      } else {
        this.#remove(entry);
        removed += 1;
      }
    }
  }

  #evict(): void {
    const [oldest] = this.#entries.values();
    if (!oldest) return;
    this.#remove(oldest);
    this.#tell([oldest.id]);
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.id);
    entry.forgetAt = REMOVED;
    entry.body = '';
    if (entry.ownerId !== undefined) this.#unindex(entry.ownerId, entry.id);
    // What was removed stays in the heap until its time, or until it is the greater part of it.
    if (this.#deadlines.size > 2 * this.#entries.size + 64) this.#compact();
  }

  #compact(): void {
    const seen = new Set<Entry>();
    this.#deadlines.rebuild((entry) => {
      if (entry.forgetAt === REMOVED || seen.has(entry)) return undefined;
      seen.add(entry);
      return entry.forgetAt;
    });
  }

  #entriesOf(ownerId: string): Entry[] {
    const ids = this.#owners.get(ownerId);
    const all = ids === undefined ? [] : typeof ids === 'string' ? [ids] : [...ids];
    return all.map((id) => this.#alive(id)).filter((entry) => entry !== undefined);
  }

  #index(ownerId: string, id: string): void {
    const ids = this.#owners.get(ownerId);
    if (ids === undefined) this.#owners.set(ownerId, id);
    else if (typeof ids === 'string') this.#owners.set(ownerId, new Set([ids, id]));
    else ids.add(id);
  }

  #unindex(ownerId: string, id: string): void {
    const ids = this.#owners.get(ownerId);
    if (typeof ids === 'object') ids.delete(id);
    if (ids === id || (typeof ids === 'object' && ids.size === 0)) this.#owners.delete(ownerId);
  }

  #tell(ids: readonly string[]): void {
    if (ids.length > 0) for (const listener of this.#listeners) listener.ended(ids);
  }
}

function recordOf(entry: Entry): SessionRecord {
  const { id, version, ownerId, createdAt, expiresAt, body } = entry;
  return { id, version, ...(ownerId !== undefined && { ownerId }), createdAt, expiresAt, body };
}

function byAge(a: Entry, b: Entry): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}
