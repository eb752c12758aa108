import { isInvalid, SessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import type { LimitedInsert, OwnerLimit, SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { LiveSessions } from './live-sessions.js';
import type { Reader } from './reader.js';
import type { Settings } from './settings.js';

/** Keeps each account within `maxPerOwner`. */
export class AccountLimit {
  readonly #store: GuardedStore;
  readonly #reader: Reader;
  readonly #live: LiveSessions;
  readonly #events: EventHub;
  readonly #settings: Settings;
  /** How many sessions of each account have not taken effect yet. */
  readonly #pending = new PendingCount();

  constructor(store: GuardedStore, reader: Reader, live: LiveSessions, events: EventHub, settings: Settings) {
    this.#store = store;
    this.#reader = reader;
    this.#live = live;
    this.#events = events;
    this.#settings = settings;
  }

  /**
   * Puts the record of a session that takes effect immediately into the store. `replaces` is the
   * id of a session that does not count, because this one will replace it.
   *
   * @throws `LIMIT_REACHED`
   */
  async insert(record: SessionRecord, replaces?: string): Promise<'inserted' | 'exists'> {
    const { maxPerOwner, now } = this.#settings;
    const { ownerId } = record;
    if (!maxPerOwner || ownerId === undefined) return this.#store.insert(record, this.#ttlOf(record));
    const max = this.#mostOf(ownerId, maxPerOwner);
    const limit = { ...maxPerOwner, max, now: now(), ...(replaces !== undefined && { replaces }) };
    let outcome = await this.#insertWithin(record, limit);
    // The store counts by the deadlines that were written, and today's limits may be shorter.
    if (outcome === 'limit-reached' && (await this.#findRoom(ownerId, limit)))
      outcome = await this.#insertWithin(record, limit);
    if (outcome !== 'limit-reached') return outcome;
    throw new SessionError(
      'LIMIT_REACHED',
      `the account has ${maxPerOwner.max} sessions, the most that maxPerOwner allows: end one first`,
    );
  }

  /**
   * Puts the record of a session that may still fail into the store. It evicts no session before
   * {@link makeRoom}.
   *
   * @throws `LIMIT_REACHED`
   */
  async insertPending(record: SessionRecord, replaces?: string): Promise<'inserted' | 'exists'> {
    if (!this.#evictsLater()) return this.insert(record, replaces);
    const outcome = await this.#store.insert(record, this.#ttlOf(record));
    if (outcome === 'inserted') this.#pending.add(record);
    return outcome;
  }

  /** A pending session takes effect, or has been removed. */
  settle(id: string): void {
    this.#pending.remove(id);
  }

  /**
   * Evicts the oldest sessions over the limit, now that this one takes effect. `ignore` does not
   * count. The ids go to `evicted`, also if a later step fails: {@link reportEvicted}.
   */
  async makeRoom({ id, ownerId }: SessionRecord, ignore: string | undefined, evicted: string[]): Promise<void> {
    const { maxPerOwner, now } = this.#settings;
    if (!maxPerOwner || ownerId === undefined || !this.#evictsLater()) return;
    const trim = {
      max: this.#mostOf(ownerId, maxPerOwner),
      now: now(),
      keep: id,
      ...(ignore !== undefined && { ignore }),
    };
    for await (const ids of this.#store.trimOwner(ownerId, trim)) evicted.push(...ids);
  }

  reportEvicted(ids: readonly string[], ownerId: string | undefined): void {
    for (const id of ids) {
      this.#events.emit('evicted', eventOf({ id, ...(ownerId !== undefined && { ownerId }) }));
      this.#live.end(id, 'evicted');
    }
  }

  async #insertWithin(record: SessionRecord, limit: OwnerLimit): Promise<LimitedInsert['outcome']> {
    let outcome: LimitedInsert['outcome'] = 'limit-reached';
    for await (const step of this.#store.insertWithin(record, this.#ttlOf(record), limit)) {
      outcome = step.outcome;
      this.reportEvicted(step.evicted, record.ownerId);
    }
    return outcome;
  }

  /**
   * Removes an account's sessions that today's limits have ended. Returns whether there is room
   * for a new one now. Another login may have removed the same sessions.
   */
  async #findRoom(ownerId: string, { max, replaces }: OwnerLimit): Promise<boolean> {
    if (!this.#store.has('listByOwner')) return false;
    let left = 0;
    for await (const records of this.#store.listByOwner(ownerId)) {
      for (const record of records) {
        if (this.#isOver(record)) {
          await this.#store.delete(record.id);
          this.#live.end(record.id, 'expired');
        } else if (record.id !== replaces) left += 1;
      }
    }
    return left < max;
  }

  /** A record that cannot be read stays: it may belong to a newer version. */
  #isOver(record: SessionRecord): boolean {
    try {
      return this.#reader.stateOf(record) === null;
    } catch (error) {
      if (isInvalid(error)) return false;
      throw error;
    }
  }

  /** A login that may still fail must not evict sessions. It makes room when it takes effect. */
  #mostOf(ownerId: string, { max }: NonNullable<Settings['maxPerOwner']>): number {
    return max + this.#pending.of(ownerId);
  }

  /** Whether evictions wait until the login takes effect. That requires `trimOwner`. */
  #evictsLater(): boolean {
    return this.#settings.maxPerOwner?.onLimit === 'evict-oldest' && this.#store.has('trimOwner');
  }

  #ttlOf({ expiresAt }: SessionRecord): number {
    return Math.max(1, expiresAt - this.#settings.now());
  }
}

/** Counts pending sessions by owner, each session once. */
class PendingCount {
  readonly #owners = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  add({ id, ownerId }: SessionRecord): void {
    if (ownerId === undefined) return;
    this.#owners.set(id, ownerId);
    this.#counts.set(ownerId, this.of(ownerId) + 1);
  }

  remove(id: string): void {
    const ownerId = this.#owners.get(id);
    if (ownerId === undefined) return;
    this.#owners.delete(id);
    const count = this.of(ownerId) - 1;
    if (count > 0) this.#counts.set(ownerId, count);
    else this.#counts.delete(ownerId);
  }

  of(ownerId: string): number {
    return this.#counts.get(ownerId) ?? 0;
  }
}
