import { isSessionError, SessionError } from '../../core/error.js';
import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore } from '../../core/store.js';
import type { Notifications } from '../shared/notifications.js';
import { ignore } from './clients/driver.js';
import type { Keys } from './keys.js';
import { idOfMember, indexedUntil, OwnerIndex } from './owner-index.js';
import type { Server } from './server.js';
import { Sessions } from './sessions.js';

/** Sessions that are ended at the same time. */
const AT_ONCE = 500;
/** More rounds than that, each with new logins of one account in it, are none. */
const MOST_ROUNDS = 100;

/** The store that `redisStore` makes. Redis forgets by itself, so that there is no `sweep`; `subscribe` is missing with `subscriber: false`. */
export type RedisStore = Required<Omit<SessionStore, 'atomic' | 'sweep' | 'subscribe' | 'touch' | 'trimOwner' | 'steps' | 'onWarning'>> &
  Pick<SessionStore, 'subscribe'>;

/** The verbs: in which order the keys of sessions and of owners are written, which no script may touch together. */
export class SessionsInRedis implements RedisStore {
  readonly subscribe?: NonNullable<SessionStore['subscribe']>;
  readonly #server: Server;
  readonly #keys: Keys;
  readonly #sessions: Sessions;
  readonly #index: OwnerIndex;

  constructor(server: Server, keys: Keys, notifications: Notifications | undefined) {
    this.#server = server;
    this.#keys = keys;
    this.#sessions = new Sessions(server, keys);
    this.#index = new OwnerIndex(server, (members) => this.#sessions.lookUp(members));
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
      if (outcome === 'inserted') await this.#index.add(this.#keys.owner(ownerId), record, ttl);
      return outcome;
    });
  }

  async insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert> {
    const { ownerId } = record;
    if (ownerId === undefined) return { outcome: await this.#sessions.insert(record, ttl), evicted: [] };
    return this.#whollyOrNot(record, async () => {
      const key = this.#keys.owner(ownerId);
      if ((await this.#sessions.insert(record, ttl)) === 'exists') return { outcome: 'exists', evicted: [] };
      const admission = await this.#index.admit(key, record, ttl, limit);
      if (admission === 'full') {
        await this.#sessions.withdraw(record.id);
        return { outcome: 'limit-reached', evicted: [] };
      }
      const evicted = await this.#endAll(admission.toEnd);
      if (admission.toEnd.length > 0) this.#index.forget(key, admission.toEnd).catch(ignore);
      return { outcome: 'inserted', evicted };
    });
  }

  find(id: string): Promise<SessionRecord | null> {
    return this.#sessions.find(id);
  }

  findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    return this.#sessions.findMany(ids);
  }

  async replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    const assertSentOnce = this.#resendGuard();
    let outcome = await this.#sessions.replace(record, expectedVersion, ttl);
    if (outcome === 'index-first') {
      if (record.ownerId !== undefined) await this.#index.add(this.#keys.owner(record.ownerId), record, ttl);
      outcome = await this.#sessions.replace(record, expectedVersion, ttl, indexedUntil(record, ttl));
    }
    // The other version may be that of a writer who came after this very write, when it was sent the first time.
    if (outcome === 'conflict') assertSentOnce();
    return outcome === 'index-first' ? 'conflict' : outcome;
  }

  async delete(id: string): Promise<boolean> {
    const assertSentOnce = this.#resendGuard();
    const removed = await this.#sessions.end(id);
    if (!removed) assertSentOnce();
    // The session has ended: that its index could not be told need not fail the logout.
    if (removed?.indexKey && removed.member) await this.#index.forget(removed.indexKey, [removed.member]).catch(ignore);
    return removed !== null;
  }

  async listByOwner(ownerId: string): Promise<SessionRecord[]> {
    const key = this.#keys.owner(ownerId);
    const members = await this.#index.members(key);
    const records = await this.#sessions.findMany(members.map(idOfMember));
    const ended = members.filter((_, position) => records[position] === null);
    if (ended.length > 0) this.#index.forget(key, ended).catch(ignore);
    return records.filter((record) => record !== null);
  }

  deleteByOwner(ownerId: string, except?: string): Promise<string[]> {
    return this.#endIndexed(this.#keys.owner(ownerId), except);
  }

  async count(): Promise<number> {
    // A scan may name a key twice.
    const ids = new Set<string>();
    for await (const keys of this.#server.scan(this.#keys.sessionPattern)) {
      for (const id of this.#idsOf(keys)) ids.add(id);
    }
    return ids.size;
  }

  async clear(): Promise<void> {
    for await (const keys of this.#server.scan(this.#keys.ownerPattern)) {
      for (const key of keys) await this.#endIndexed(this.#keys.asSent(key));
    }
    for await (const keys of this.#server.scan(this.#keys.sessionPattern)) {
      await this.#endAll(this.#idsOf(keys));
    }
  }

  #idsOf(keys: readonly string[]): string[] {
    return keys.map((key) => this.#keys.idOf(key)).filter((id) => id !== undefined);
  }

  /**
   * Ends what an index has, until nothing is left in it: a session that is added meanwhile either is seen here or is handed out
   * after the last look.
   */
  async #endIndexed(key: string, except?: string): Promise<string[]> {
    const ended: string[] = [];
    let members = await this.#index.members(key);
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const targets = members.filter((member) => idOfMember(member) !== except);
      if (targets.length === 0) break;
      ended.push(...(await this.#endAll(targets)));
      members = await this.#index.remaining(key, targets);
    }
    return ended;
  }

  /** Ends sessions, given by their ids or members, and answers the ids of those that were there. */
  async #endAll(members: readonly string[]): Promise<string[]> {
    const ended: string[] = [];
    for (let from = 0; from < members.length; from += AT_ONCE) {
      const ids = members.slice(from, from + AT_ONCE).map(idOfMember);
      const removed = await Promise.all(ids.map((id) => this.#sessions.end(id)));
      ended.push(...ids.filter((_, position) => removed[position] !== null));
    }
    return ended;
  }

  /**
   * A session of an owner is inserted in several steps. Where one fails, the record is taken back; and the failure is told as a `SessionError`,
   * since after any other the library looks whether the record arrived, and would hand out a session that its owner's index lacks.
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

  /** What it returns throws if a command may have been sent twice since: an answer of 'no' may then be due to its own first time. */
  #resendGuard(): () => void {
    const { driver } = this.#server;
    const before = driver.resends();
    return () => {
      if (driver.resends() === before) return;
      throw new Error('the connection was lost while a write was under way: whether it happened is not known');
    };
  }
}
