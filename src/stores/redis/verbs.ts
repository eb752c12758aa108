import { isSessionError, SessionError } from '../../core/error.js';
import type { LimitedInsert, OwnerLimit, OwnerTrim, SessionRecord, SessionStore, StoreSteps, TouchedRecord } from '../../core/store.js';
import type { Notifications } from '../shared/notifications.js';
import { collect, partsOf, STEP, sum } from '../shared/steps.js';
import { ignore } from './clients/driver.js';
import type { Keys } from './keys.js';
import { type Added, idOfMember, indexedUntil, OwnerIndex } from './owner-index.js';
import type { Server } from './server.js';
import { Sessions, type WriteOutcome } from './sessions.js';

/** So many rounds without an end, each with new logins of one account in it, do not happen. */
const MOST_ROUNDS = 100;

/**
 * The store that `redisStore` makes. Redis forgets on its own, so there is no `sweep`; `subscribe`
 * is missing with `subscriber: false`.
 */
export interface RedisStore extends Required<Omit<SessionStore, 'atomic' | 'sweep' | 'subscribe'>>, Pick<SessionStore, 'subscribe'> {
  /** The verbs that walk through many sessions, in steps. */
  readonly steps: Required<Omit<StoreSteps, 'sweep'>>;
}

/**
 * The verbs: in which order the keys of sessions and of owners are written, which no script may
 * touch together.
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
    return this.#whollyOrNot(record, async () => {
      const outcome = await this.#sessions.insert(record, ttl);
      if (outcome === 'inserted') await this.#index.add(this.#keys.owner(ownerId), { record, ttl });
      return outcome;
    });
  }

  async insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    const { ownerId } = record;
    if (ownerId === undefined) return { outcome: await this.#sessions.insert(record, ttl), evicted: [] };
    return this.#whollyOrNot(record, async () => {
      if ((await this.#sessions.insert(record, ttl)) === 'exists') return { outcome: 'exists', evicted: [] };
      if (limit.onLimit === 'evict-oldest') {
        const { max, now, replaces } = limit;
        const trim: OwnerTrim = { max, now, keep: record.id, ...(replaces !== undefined && { ignore: replaces }) };
        return { outcome: 'inserted', evicted: await collect(this.#trim(ownerId, trim, { record, ttl })) };
      }
      if (await this.#index.admit(this.#keys.owner(ownerId), { record, ttl }, limit)) return { outcome: 'inserted', evicted: [] };
      await this.#sessions.withdraw(record.id);
      return { outcome: 'limit-reached', evicted: [] };
    });
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
    // The session has ended: that its index could not be told need not fail the logout.
    if (removed?.indexKey && removed.member) await this.#index.forget(removed.indexKey, [removed.member]).catch(ignore);
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
   * Writes a record that is there. `write` gets the time until which the owner's index has the session,
   * where that was written before.
   */
  async #write(
    record: TouchedRecord,
    ttl: number,
    write: (until?: number) => Promise<WriteOutcome>,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    const assertSentOnce = this.#resendGuard();
    // A server that evicts takes the index before the sessions that it names, unless it is written
    // as often as they are.
    let outcome = record.ownerId !== undefined && this.#server.evicts ? 'index-first' : await write();
    if (outcome === 'index-first') {
      if (record.ownerId !== undefined) await this.#index.add(this.#keys.owner(record.ownerId), { record, ttl });
      outcome = await write(indexedUntil(record, ttl));
    }
    // The other version may be that of a writer who came after this very write, when it was sent
    // the first time.
    if (outcome === 'conflict') assertSentOnce();
    return outcome === 'index-first' ? 'conflict' : outcome;
  }

  async *#list(ownerId: string): AsyncGenerator<SessionRecord[]> {
    const key = this.#keys.owner(ownerId);
    for (const members of partsOf(await this.#index.members(key))) {
      const records = await this.#sessions.findMany(members.map(idOfMember));
      const ended = members.filter((_, position) => records[position] === null);
      if (ended.length > 0) this.#index.forget(key, ended).catch(ignore);
      // One that cannot be read has no owner that could be told.
      yield records.filter((record) => record !== null).filter((record) => record.version === '' || record.ownerId === ownerId);
    }
  }

  /** Ends the sessions that are too many, and answers those that were there. */
  async *#trim(ownerId: string, trim: OwnerTrim, added?: Added): AsyncGenerator<string[]> {
    const steps = this.#index.trim(this.#keys.owner(ownerId), trim, added);
    for await (const members of steps) yield await this.#endAll(members, ownerId);
  }

  async *#count(): AsyncGenerator<number> {
    // A scan may name a key twice.
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
      yield (await this.#endAll(this.#idsOf(keys))).length;
    }
  }

  #idsOf(keys: readonly string[]): string[] {
    return keys.map((key) => this.#keys.idOf(key)).filter((id) => id !== undefined);
  }

  /**
   * Ends what an index has, until nothing is left in it: a session that is added meanwhile either
   * is seen here or is handed out after the last look.
   */
  async *#endIndexed(key: string, ownerId?: string, except?: string): AsyncGenerator<string[]> {
    const size = except === undefined ? STEP : STEP + 1;
    let { members, count } = await this.#index.page(key, [], size);
    const mostRounds = MOST_ROUNDS + count / STEP;
    for (let round = 0; round < mostRounds; round += 1) {
      const targets = members.filter((member) => idOfMember(member) !== except);
      if (targets.length === 0) return;
      yield await this.#endAll(targets, ownerId);
      ({ members, count } = await this.#index.page(key, targets, size));
    }
  }

  /** Ends sessions, given by their ids or members, and answers the ids of those that were there. */
  async #endAll(members: readonly string[], ownerId?: string): Promise<string[]> {
    const ended: string[] = [];
    for (const some of partsOf(members)) {
      const ids = some.map(idOfMember);
      const removed = await Promise.all(ids.map((id) => this.#sessions.remove(id, ownerId)));
      ended.push(...ids.filter((_, position) => removed[position] !== null));
    }
    return ended;
  }

  /**
   * A session of an owner is inserted in several steps. Where one fails, the record is taken back;
   * and the failure is reported as a `SessionError`, since after any other the library looks
   * whether the record arrived, and would hand out a session that its owner's index lacks.
   */
  async #whollyOrNot<Outcome>(record: SessionRecord, steps: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await steps();
    } catch (cause) {
      await this.delete(record.id).catch(ignore);
      if (isSessionError(cause)) throw cause;
      throw new SessionError('STORE_UNAVAILABLE', "the session store failed before the session was complete: see the error's cause", {
        cause,
      });
    }
  }

  /**
   * What it returns throws if a command may have been sent twice since: an answer of 'no' may then
   * be due to its own first time.
   */
  #resendGuard(): () => void {
    const { driver } = this.#server;
    const before = driver.resends();
    return () => {
      if (driver.resends() === before) return;
      throw new Error('the connection was lost while a write was under way: whether it happened is not known');
    };
  }
}
