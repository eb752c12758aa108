import { copyJson } from '../data/json.js';
import { isSessionError, SessionError } from '../error.js';
import { type EventHub, eventOf, type SessionEvents } from '../events.js';
import { deadlineOf } from '../record/deadline.js';
import { ownerOf } from '../record/owner.js';
import { firstSnapshot, type Snapshot } from '../record/snapshot.js';
import { type Credential, newCredential } from '../record/token.js';
import type { AccountLimit } from './account-limit.js';
import type { GuardedStore } from './guarded-store.js';
import type { LiveSessions } from './live-sessions.js';
import type { Settings } from './settings.js';
import type { Sweeper } from './sweeper.js';
import type { EndReason } from './watched.js';
import type { WriteQueue } from './write-queue.js';

/** A session that is in the store and has not taken effect yet. */
export interface InsertedSession {
  readonly snapshot: Snapshot;
  readonly credential: Credential;
}

/** The part of a session that its end needs. */
export interface EndedSession {
  readonly id: string;
  readonly ownerId?: string;
}

type Touchable = Pick<Snapshot, 'state' | 'record'>;

/** Begins sessions, keeps them alive and ends them. */
export class Lifecycle {
  readonly #store: GuardedStore;
  readonly #limit: AccountLimit;
  readonly #queue: WriteQueue;
  readonly #live: LiveSessions;
  readonly #sweeper: Sweeper;
  readonly #events: EventHub;
  readonly #settings: Settings;
  /** Sessions that have not taken effect yet, each with the session that it replaces. */
  readonly #replaced = new Map<string, string>();

  constructor(
    store: GuardedStore,
    limit: AccountLimit,
    queue: WriteQueue,
    live: LiveSessions,
    sweeper: Sweeper,
    events: EventHub,
    settings: Settings,
  ) {
    this.#store = store;
    this.#limit = limit;
    this.#queue = queue;
    this.#live = live;
    this.#sweeper = sweeper;
    this.#events = events;
    this.#settings = settings;
  }

  /**
   * Puts a new session into the store. It takes effect with {@link activate}. Until then, no event
   * is emitted and no other session is ended for it. `replaces` is the id of the session that it
   * will replace. That session does not count for `maxPerOwner`.
   */
  async insert(input: unknown, replaces?: string): Promise<InsertedSession> {
    const made = await this.#make(input);
    const { record } = made.snapshot;
    expectInserted(await this.#limit.insertPending(record, replaces));
    this.replaces(record.id, replaces);
    return made;
  }

  /** Puts a new session into the store. It takes effect immediately. */
  async create(input: unknown): Promise<InsertedSession> {
    const made = await this.#make(input);
    const { record } = made.snapshot;
    expectInserted(await this.#limit.insert(record));
    this.#events.emit('created', eventOf(record));
    return made;
  }

  async #make(input: unknown): Promise<InsertedSession> {
    this.#sweeper.start();
    const { validator, now } = this.#settings;
    const given = copyJson(input);
    const data = validator ? await validator(given) : given;
    const credential = newCredential();
    const { id, hash } = credential;
    const time = now();
    const tokens = { current: hash, family: credential.familyHash() };
    const state = { tokens, authenticatedAt: time, lastActiveAt: time, stored: data };
    return { snapshot: firstSnapshot(id, ownerOf(this.#settings, data), { state, data }, this.#settings), credential };
  }

  /**
   * Makes an inserted session take effect: evicts sessions over the account's limit, ends
   * `previous`, and emits the events. `alsoReplaced` is the id of another session that it will
   * replace. That session does not count for the limit.
   *
   * @throws `STORE_UNAVAILABLE` when the previous session cannot be ended. The caller must then
   *   remove the new session.
   */
  async activate({ record }: Snapshot, previous: EndedSession | null, alsoReplaced?: string): Promise<void> {
    this.#limit.settle(record.id);
    const evicted: string[] = [];
    try {
      // First: if it fails, the client still has the previous session.
      await this.#limit.makeRoom(record, previous?.id ?? alsoReplaced, evicted);
      const existed = previous !== null && (await this.#replace(previous.id));
      this.#replaced.delete(record.id);
      this.#events.emit('created', eventOf(record));
      if (existed) this.#events.emit('destroyed', { ...eventOf(previous), reason: 'replaced' });
    } finally {
      // Sessions that ended before a step failed have their events too.
      this.#limit.reportEvicted(evicted, record.ownerId);
    }
  }

  /** Notes that an inserted session will replace another session than it was inserted for. */
  replaces(id: string, replaced: string | undefined): void {
    if (replaced === undefined) this.#replaced.delete(id);
    else this.#replaced.set(id, replaced);
  }

  /** The id of the session that an inserted one will replace, until it takes effect. */
  replacedBy(id: string): string | undefined {
    return this.#replaced.get(id);
  }

  /** Removes a session that has not taken effect. If that fails, its idle limit ends it. */
  async takeBack(id: string): Promise<void> {
    this.#replaced.delete(id);
    this.#limit.settle(id);
    await this.#store.delete(id).catch(() => undefined);
    this.#live.end(id, 'destroyed');
  }

  /** Ends a session for good. Returns whether it existed. */
  async destroy(session: EndedSession, reason: SessionEvents['destroyed']['reason'] & EndReason): Promise<boolean> {
    const existed = await this.#end(session.id, reason, () => {
      this.#events.emit('destroyed', { ...eventOf(session), reason });
    });
    return existed;
  }

  /**
   * {@link destroy} by id. It looks the owner up only if a listener needs it. If the record cannot
   * be read, the session ends all the same, and the event has no owner.
   */
  async destroyById(id: string): Promise<boolean> {
    const isAsked = this.#settings.ownerOf && this.#events.has('destroyed');
    const record = isAsked ? await this.#store.find(id).catch(() => null) : null;
    return this.destroy(record ?? { id }, 'destroyed');
  }

  /** Writes activity, unless it was written recently. */
  touch(snapshot: Snapshot): Promise<Snapshot> {
    return this.#queue.submit(snapshot, (content, record) => {
      const now = this.#settings.now();
      return this.#isDue({ ...content, record }, now)
        ? { ...content, state: { ...content.state, lastActiveAt: now } }
        : content;
    });
  }

  isTouchDue(snapshot: Snapshot): boolean {
    this.#sweeper.start();
    return this.#isDue(snapshot, this.#settings.now());
  }

  /**
   * A record may have been written under a shorter idle limit. Then that limit decides when it is
   * touched, so that it does not end while it is in use.
   */
  #isDue({ state, record }: Touchable, now: number): boolean {
    const { touchInterval, limits } = this.#settings;
    const unused = now - state.lastActiveAt;
    if (unused >= touchInterval) return true;
    if (record.expiresAt >= deadlineOf(record.createdAt, state.lastActiveAt, limits)) return false;
    return unused >= (record.expiresAt - state.lastActiveAt) / 10;
  }

  /** Ends the replaced session. A failure counts only if a fresh read still finds the session. */
  async #replace(id: string): Promise<boolean> {
    try {
      return await this.#end(id, 'replaced');
    } catch (error) {
      const found = await this.#store.find(id).catch(() => undefined);
      if (found !== null) throw error;
      this.#live.end(id, 'replaced');
      return true;
    }
  }

  /** Removes a session from the store. Calls `announce` before it calls the session's watchers. */
  async #end(id: string, reason: EndReason, announce?: () => void): Promise<boolean> {
    const settled = this.#live.expect(id, reason);
    try {
      const existed = await this.#store.delete(id);
      if (existed) announce?.();
      this.#live.end(id);
      return existed;
    } finally {
      settled();
    }
  }
}

function expectInserted(outcome: 'inserted' | 'exists'): void {
  if (outcome === 'inserted') return;
  throw new SessionError(
    'STORE_UNAVAILABLE',
    'the session store reported that a new random id exists already: its records cannot be trusted',
  );
}

/** Whether the error means that the session has ended. */
export function isGone(error: unknown): boolean {
  return isSessionError(error) && error.code === 'SESSION_GONE';
}
