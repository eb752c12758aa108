import { nullIfInvalid, SessionError } from '../error.js';
import type { EventHub } from '../events.js';
import type { Snapshot } from '../record/snapshot.js';
import { isSessionId } from '../record/token.js';
import type { GuardedStore } from './guarded-store.js';
import type { Lifecycle } from './lifecycle.js';
import type { LiveSessions } from './live-sessions.js';
import type { Reader } from './reader.js';
import type { Settings } from './settings.js';

/** The operations on all sessions of an account, and on all sessions. */
export class Accounts {
  readonly #store: GuardedStore;
  readonly #reader: Reader;
  readonly #live: LiveSessions;
  readonly #lifecycle: Lifecycle;
  readonly #events: EventHub;
  readonly #settings: Settings;

  constructor(
    store: GuardedStore,
    reader: Reader,
    live: LiveSessions,
    lifecycle: Lifecycle,
    events: EventHub,
    settings: Settings,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.#live = live;
    this.#lifecycle = lifecycle;
    this.#events = events;
    this.#settings = settings;
  }

  /**
   * All live sessions of an account, oldest first. Unreadable records are reported and left out.
   */
  async listFor(ownerId: string): Promise<Snapshot[]> {
    this.#checkOwner(ownerId);
    const snapshots: Snapshot[] = [];
    for await (const records of this.#store.listByOwner(ownerId)) {
      const read = await Promise.all(records.map((record) => this.#reader.read(record).catch(nullIfInvalid)));
      snapshots.push(...read.filter((each) => each !== null));
    }
    return snapshots.sort(oldestFirst);
  }

  /**
   * Ends all sessions of an account except one, and returns how many it ended. If a running login
   * replaces another session with the spared one, that session is spared too.
   */
  async destroyFor(ownerId: string, spared?: string): Promise<number> {
    this.#checkOwner(ownerId);
    // No session has any other id, and stores are never asked about one.
    const except = isSessionId(spared) ? spared : undefined;
    const replaced = except === undefined ? undefined : this.#lifecycle.replacedBy(except);
    if (replaced !== undefined) return this.#destroyEach(ownerId, [except, replaced]);
    let count = 0;
    for await (const ids of this.#store.deleteByOwner(ownerId, except)) {
      count += ids.length;
      for (const id of ids) this.#events.emit('destroyed', { id, ownerId, reason: 'destroyed' });
      for (const id of ids) this.#live.end(id, 'destroyed');
    }
    return count;
  }

  async count(): Promise<number> {
    return sum(this.#store.count());
  }

  async sweep(): Promise<number> {
    return sum(this.#store.sweep(this.#settings.now()));
  }

  async #destroyEach(ownerId: string, except: readonly (string | undefined)[]): Promise<number> {
    let count = 0;
    for await (const records of this.#store.listByOwner(ownerId)) {
      const others = records.filter(({ id }) => !except.includes(id));
      const existed = await Promise.all(others.map((record) => this.#lifecycle.destroy(record, 'destroyed')));
      count += existed.filter(Boolean).length;
    }
    return count;
  }

  #checkOwner(ownerId: string): void {
    if (!this.#settings.ownerOf)
      throw new SessionError('NOT_SUPPORTED', 'account operations require the option ownerOf');
    if (typeof ownerId !== 'string' || ownerId === '')
      throw new SessionError('INVALID_OPTION', 'ownerId must be a non-empty string');
  }
}

async function sum(steps: AsyncIterable<number>): Promise<number> {
  let total = 0;
  for await (const step of steps) total += step;
  return total;
}

/** By `createdAt`, because ids are in order only if one clock made them. The id breaks ties. */
function oldestFirst({ record: a }: Snapshot, { record: b }: Snapshot): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}
