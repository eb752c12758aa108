import { joinInserts } from '../../core/record/limited-insert.js';
import type {
  LimitedInsert,
  OwnerLimit,
  OwnerTrim,
  SessionRecord,
  SessionStore,
  StoreSteps,
  TouchedRecord,
} from '../../core/store.js';
import { evicting, trimFor, whollyOrNot } from '../shared/insert.js';
import type { Notifications } from '../shared/notifications.js';
import { collect, partsOf, STEP, sum } from '../shared/steps.js';
import { ignore } from './clients/driver.js';
import type { Keys } from './keys.js';
import { type Added, idOfMember, indexedUntil, OwnerIndex } from './owner-index.js';
import type { Server } from './server.js';
import { Sessions, type WriteOutcome } from './sessions.js';

/**
 * The limit of rounds. Each means new logins of one account, so more do not happen in practice.
 */
const MOST_ROUNDS = 100;
/** How many sessions are ended in parallel. Each is a command of its own. */
const ENDED_AT_ONCE = 100;

/**
 * The store that `redisStore` returns. Redis expires keys on its own, so there is no `sweep`. With
 * `subscriber: false`, there is no `subscribe`.
 */
export interface RedisStore
  extends Required<Omit<SessionStore, 'atomic' | 'sweep' | 'subscribe'>>,
    Pick<SessionStore, 'subscribe'> {
  /** The verbs that walk through many sessions, in steps. */
  readonly steps: Required<Omit<StoreSteps, 'sweep'>>;
}

/**
 * The verbs. They decide the order in which the keys of sessions and of owners are written. No
 * script may use both kinds of keys.
 */
export class SessionsInRedis implements RedisStore {
  readonly subscribe?: NonNullable<SessionStore['subscribe']>;
  readonly steps: Required<Omit<StoreSteps, 'sweep'>>;
  readonly #server: Server;
  readonly #keys: Keys;
  readonly #sessions: Sessions;
  readonly #index: OwnerIndex;

  constructor(server: Server, keys: Keys, notifications: Notifications | undefined) {
    this.#server = server;
    this.#keys = keys;
    this.#sessions = new Sessions(server, keys);
    this.#index = new OwnerIndex(server, (key, members) => this.#sessions.lookUp(key, members));
    this.steps = {
      insertWithin: (record, ttl, limit) => this.#wholly(record, this.#insertWithin(record, ttl, limit)),
      listByOwner: (ownerId) => this.#list(ownerId),
      deleteByOwner: (ownerId, except) => this.#endIndexed(this.#keys.owner(ownerId), ownerId, except),
      trimOwner: (ownerId, trim) => this.#trim(ownerId, trim),
      count: () => this.#count(),
      clear: () => this.#clear(),
    };
    if (notifications) {
      this.subscribe = async (listener) => {
        await server.ready();
        return notifications.subscribe(listener);
      };
    }
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    const { ownerId } = record;
    if (ownerId === undefined) return this.#sessions.insert(record, ttl);
    let outcome: 'inserted' | 'exists' = 'exists';
    for await (const step of this.#wholly(record, this.#insertIndexed(record, ttl, ownerId))) outcome = step;
    return outcome;
  }

  insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    return joinInserts(this.steps.insertWithin(record, ttl, limit));
  }

  find(id: string): Promise<SessionRecord | null> {
    return this.#sessions.find(id);
  }

  findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    return this.#sessions.findMany(ids);
  }

  replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#write(record, ttl, (until) => this.#sessions.replace(record, expectedVersion, ttl, until));
  }

  touch(record: TouchedRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#write(record, ttl, (until) => this.#sessions.touch(record, expectedVersion, ttl, until));
  }

  async delete(id: string): Promise<boolean> {
    const assertSentOnce = this.#resendGuard();
    const removed = await this.#sessions.remove(id);
    if (!removed) assertSentOnce();
    // The session has ended. A failure to update its index must not fail the logout.
    if (removed?.indexKey && removed.member)
      await this.#index.forget(removed.indexKey, [removed.member]).catch(ignore);
    return removed !== null;
  }

  listByOwner(ownerId: string): Promise<SessionRecord[]> {
    return collect(this.steps.listByOwner(ownerId));
  }

  deleteByOwner(ownerId: string, except?: string): Promise<string[]> {
    return collect(this.steps.deleteByOwner(ownerId, except));
  }

  trimOwner(ownerId: string, trim: OwnerTrim): Promise<string[]> {
    return collect(this.steps.trimOwner(ownerId, trim));
  }

  count(): Promise<number> {
    return sum(this.steps.count());
  }

  async clear(): Promise<void> {
    await sum(this.steps.clear());
  }

  onWarning(listener: (message: string) => void): void {
    this.#server.onWarning(listener);
  }

  /**
   * Writes an existing record. `write` gets the time until which the owner's index has the
   * session, if the index was written just before.
   */
  async #write(
    record: TouchedRecord,
    ttl: number,
    write: (until?: number) => Promise<WriteOutcome>,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    const assertSentOnce = this.#resendGuard();
    // A server that evicts removes the index before its sessions, unless the index is written as
    // often as the sessions are.
    let outcome = record.ownerId !== undefined && this.#server.evicts ? 'index-first' : await write();
    if (outcome === 'index-first') {
      if (record.ownerId !== undefined) await this.#index.add(this.#keys.owner(record.ownerId), { record, ttl });
      outcome = await write(indexedUntil(record, ttl));
    }
    // The write may have been sent twice. Then the other version may come from a writer after its
    // first time.
    if (outcome === 'conflict') assertSentOnce();
    return outcome === 'index-first' ? 'conflict' : outcome;
  }

  async *#list(ownerId: string): AsyncGenerator<SessionRecord[]> {
    const key = this.#keys.owner(ownerId);
    for (const members of partsOf(await this.#index.members(key))) {
      const records = await this.#sessions.findMany(members.map(idOfMember));
      const ended = members.filter((_, position) => records[position] === null);
      if (ended.length > 0) this.#index.forget(key, ended).catch(ignore);
      // An unreadable record shows no owner, so it stays in the list.
      yield records
        .filter((record) => record !== null)
        .filter((record) => record.version === '' || record.ownerId === ownerId);
    }
  }

  /** Ends the sessions that are too many. Returns the ids of those that existed. */
  async *#trim(ownerId: string, trim: OwnerTrim, added?: Added): AsyncGenerator<string[]> {
    const steps = this.#index.trim(this.#keys.owner(ownerId), trim, added);
    for await (const members of steps) yield* this.#endAll(members, ownerId);
  }

  async *#count(): AsyncGenerator<number> {
    // A scan may return a key twice.
    const ids = new Set<string>();
    for await (const keys of this.#server.scan(this.#keys.sessionPattern)) {
      const before = ids.size;
      for (const id of this.#idsOf(keys)) ids.add(id);
      yield ids.size - before;
    }
  }

  async *#clear(): AsyncGenerator<number> {
    for await (const keys of this.#server.scan(this.#keys.ownerPattern)) {
      for (const key of keys) {
        for await (const ended of this.#endIndexed(this.#keys.asSent(key))) yield ended.length;
      }
    }
    for await (const keys of this.#server.scan(this.#keys.sessionPattern)) {
      for await (const ended of this.#endAll(this.#idsOf(keys))) yield ended.length;
    }
  }

  #idsOf(keys: readonly string[]): string[] {
    return keys.map((key) => this.#keys.idOf(key)).filter((id) => id !== undefined);
  }

  /**
   * Ends all sessions of an index, until it is empty. A session that is added meanwhile is either
   * seen here, or given out only after the last look.
   */
  async *#endIndexed(key: string, ownerId?: string, except?: string): AsyncGenerator<string[]> {
    const size = except === undefined ? STEP : STEP + 1;
    let { members, count } = await this.#index.page(key, [], size);
    const mostRounds = MOST_ROUNDS + count / STEP;
    for (let round = 0; round < mostRounds; round += 1) {
      const targets = members.filter((member) => idOfMember(member) !== except);
      if (targets.length === 0) return;
      yield* this.#endAll(targets, ownerId);
      ({ members, count } = await this.#index.page(key, targets, size));
    }
  }

  /**
   * Ends sessions, given by ids or members, in steps. Each yields the ids of those that existed.
   * The time of a step is limited, and each session is a command of its own.
   */
  async *#endAll(members: readonly string[], ownerId?: string): AsyncGenerator<string[]> {
    for (const some of partsOf(members, ENDED_AT_ONCE)) {
      const ids = some.map(idOfMember);
      const removed = await Promise.all(ids.map((id) => this.#sessions.remove(id, ownerId)));
      yield ids.filter((_, position) => removed[position] !== null);
    }
  }

  async *#insertIndexed(record: SessionRecord, ttl: number, ownerId: string): AsyncGenerator<'inserted' | 'exists'> {
    const outcome = await this.#sessions.insert(record, ttl);
    if (outcome === 'inserted') await this.#index.add(this.#keys.owner(ownerId), { record, ttl });
    yield outcome;
  }

  async *#insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): AsyncGenerator<LimitedInsert> {
    const { ownerId } = record;
    const outcome = await this.#sessions.insert(record, ttl);
    if (ownerId === undefined || outcome === 'exists') return yield { outcome, evicted: [] };
    if (limit.onLimit === 'evict-oldest') {
      return yield* evicting(this.#trim(ownerId, trimFor(record.id, limit), { record, ttl }));
    }
    const isAdmitted = await this.#index.admit(this.#keys.owner(ownerId), { record, ttl }, limit);
    if (!isAdmitted) await this.#sessions.withdraw(record.id);
    yield { outcome: isAdmitted ? 'inserted' : 'limit-reached', evicted: [] };
  }

  /** A session without an owner is one key, so a failed write leaves nothing to remove. */
  #wholly<Step>(record: SessionRecord, steps: AsyncIterable<Step>): AsyncIterable<Step> {
    return record.ownerId === undefined ? steps : whollyOrNot(steps, () => this.delete(record.id));
  }

  /**
   * Returns a function that throws if a command may have been sent twice since. In that case, a
   * negative answer may be the effect of its own first time.
   */
  #resendGuard(): () => void {
    const { driver } = this.#server;
    const before = driver.resends();
    return () => {
      if (driver.resends() === before) return;
      throw new Error('the connection was lost during a write: it is not known whether the write has happened');
    };
  }
}
