import { copyJson, type JsonValue } from '../data/json.js';
import type { Validator } from '../data/schema.js';
import { isSessionError, SessionError } from '../error.js';
import { EventHub, eventOf, type SessionEvents } from '../events.js';
import type { LegacyClaim } from '../legacy.js';
import { decodeRecord, type SessionState } from '../record/codec.js';
import { effectiveDeadline } from '../record/deadline.js';
import { matchToken, opens, promotePending, type TokenMatch } from '../record/rotation.js';
import type { Content } from '../record/snapshot.js';
import { firstSnapshot, type Snapshot, snapshotOf } from '../record/snapshot.js';
import { type Credential, mintToken } from '../record/token.js';
import type { SessionRecord } from '../store.js';
import { GuardedStore } from './guarded-store.js';
import { type EndReason, LiveSessions, type Standing } from './live-sessions.js';
import { LegacyMigration } from './migration.js';
import type { Settings } from './settings.js';
import { gone, WriteQueue } from './write-queue.js';

/**
 * The operations on sessions, as records and snapshots: what the objects that users see are made of. One for each
 * `createSessions`.
 */
export class Kernel {
  readonly settings: Settings;
  readonly store: GuardedStore;
  readonly events: EventHub;
  readonly queue: WriteQueue;
  readonly live: LiveSessions;
  readonly #migration: LegacyMigration;

  constructor(settings: Settings) {
    this.settings = settings;
    this.events = new EventHub(settings.logger);
    this.store = new GuardedStore(settings.store, settings.storeTimeout, this.events, settings.logger);
    this.queue = new WriteQueue(this.store, (id) => this.find(id), settings, this.events);
    this.#migration = new LegacyMigration({
      settings,
      store: this.store,
      queue: this.queue,
      events: this.events,
      find: (id) => this.find(id),
      ownerOf: (data) => ownerOf(settings, data),
      reportInvalid: (session, error) => this.#reportInvalid(session, error),
    });
    const { store, recheckInterval, storeTimeout, logger, now } = settings;
    this.live = new LiveSessions({
      lookUp: (ids) => this.#lookUp(ids),
      subscribe: store.subscribe?.bind(store),
      recheckInterval,
      storeTimeout,
      logger,
      now,
    });
    if (settings.store.atomic === false) {
      settings.logger?.warn('token-sessions: the store cannot compare and swap: writes of different processes may overwrite each other');
    }
  }

  /**
   * The session that a token opens. The first use of a pending token, and activity that is due, are written before the answer.
   * `onStoreError` and `onInvalidData` decide here. The session of another library's token (`legacy`) is moved here.
   */
  authenticate(credential: Credential, legacy?: LegacyClaim): Promise<Snapshot | null> {
    const opened = this.store.read(credential.id, (record) => {
      if (record) return this.#open(record, credential, legacy);
      return legacy ? this.#moveLegacy(credential, legacy) : null;
    });
    return this.#isTolerant ? opened.catch((error: unknown) => this.#asAnonymous(error)) : opened;
  }

  /**
   * Looks again whether a session that was authenticated before may go on: any of these hashes has to open it. No token was sent now,
   * so that none counts as used or reused.
   */
  async revalidate(id: string, hashes: readonly string[]): Promise<Snapshot | null> {
    try {
      const record = await this.store.find(id);
      if (!record) return null;
      const state = this.#stateOf(record);
      if (!state || !opens(state.tokens, hashes, this.settings.now())) return null;
      return await this.#touchIfDue(await this.#snapshotOf(record, state));
    } catch (error) {
      return this.#asAnonymous(error);
    }
  }

  /** The session with this id, or `null` when it has ended. Does not count as activity. */
  async find(id: string): Promise<Snapshot | null> {
    const record = await this.store.find(id);
    return record && this.#read(record);
  }

  /** Creates a session; its record is in the store before the token is handed out. */
  async create(input: unknown): Promise<{ snapshot: Snapshot; hash: string; token: string }> {
    const { settings } = this;
    const given = copyJson(input);
    const data = settings.validator ? await settings.validator(given) : given;
    const { id, hash, token } = mintToken(settings.tokenPrefix);
    const now = settings.now();
    const state = { tokens: { current: hash }, authenticatedAt: now, lastActiveAt: now, stored: data };
    const snapshot = firstSnapshot(id, ownerOf(settings, data), { state, data }, settings);
    await this.#insert(snapshot.record);
    this.events.emit('created', eventOf(snapshot.record));
    return { snapshot, hash, token };
  }

  /** Ends a session for good. Answers whether it was there. */
  async destroy(
    session: { readonly id: string; readonly ownerId?: string },
    reason: SessionEvents['destroyed']['reason'] & EndReason,
  ): Promise<boolean> {
    const settled = this.live.expect(session.id, reason);
    try {
      const existed = await this.store.delete(session.id);
      if (existed) this.events.emit('destroyed', { ...eventOf(session), reason });
      this.live.end(session.id);
      return existed;
    } finally {
      settled();
    }
  }

  /** {@link destroy} where only the id is known: the owner is looked up if anybody is to be told. */
  async destroyById(id: string): Promise<boolean> {
    const record = this.settings.ownerOf && this.events.has('destroyed') ? await this.store.find(id) : null;
    return this.destroy(record ?? { id }, 'destroyed');
  }

  /** Writes activity unless that was done less than `touchInterval` ago. */
  async touch(snapshot: Snapshot): Promise<Snapshot> {
    return this.queue.submit(snapshot, (content) => {
      const now = this.settings.now();
      return this.#touchIsDue(content, now) ? { ...content, state: { ...content.state, lastActiveAt: now } } : content;
    });
  }

  isTouchDue(snapshot: Snapshot): boolean {
    return this.#touchIsDue(snapshot, this.settings.now());
  }

  /** All live sessions of an account, oldest first. Records that cannot be read are told of and left out. */
  async listFor(ownerId: string): Promise<Snapshot[]> {
    this.#checkOwner(ownerId);
    const list = this.#capability('listByOwner', "list an account's sessions");
    const records = await this.store.call('listByOwner', '', () => list(ownerId));
    const snapshots = await Promise.all(records.map((record) => this.#read(record).catch(rethrowUnlessInvalid)));
    return snapshots.filter((each) => each !== null).sort((a, b) => (a.record.id < b.record.id ? -1 : 1));
  }

  /** Ends all sessions of an account but one, and answers how many. */
  async destroyFor(ownerId: string, except?: string): Promise<number> {
    this.#checkOwner(ownerId);
    const deleteByOwner = this.#capability('deleteByOwner', "end an account's sessions");
    const ids = await this.store.call('deleteByOwner', '', () => deleteByOwner(ownerId, except));
    for (const id of ids) this.events.emit('destroyed', { id, ownerId, reason: 'destroyed' });
    for (const id of ids) this.live.end(id, 'destroyed');
    return ids.length;
  }

  async count(): Promise<number> {
    const count = this.#capability('count', 'count its sessions');
    return this.store.call('count', '', count);
  }

  async sweep(): Promise<number> {
    const sweep = this.#capability('sweep', 'be swept');
    return this.store.call('sweep', '', () => sweep(this.settings.now()));
  }

  /** Asynchronous only where there is something to write, or a schema. */
  #open(record: SessionRecord, credential: Credential, legacy: LegacyClaim | undefined): Snapshot | null | Promise<Snapshot | null> {
    const state = this.#stateOf(record);
    const match = state ? matchToken(state.tokens, credential.hash, this.settings.now()) : 'unknown';
    if (match === 'reused') return this.#refuseReused(record);
    if (!state || match === 'unknown') return null;
    const found = this.#snapshotOf(record, state);
    if (match !== 'pending' && !legacy && !(found instanceof Promise)) return this.#touchIfDue(found);
    return this.#complete(found, match, credential, legacy);
  }

  async #complete(
    found: Snapshot | Promise<Snapshot>,
    match: TokenMatch,
    credential: Credential,
    legacy: LegacyClaim | undefined,
  ): Promise<Snapshot | null> {
    const snapshot = legacy ? await this.#migration.settle(await found, credential, legacy) : await found;
    if (!snapshot) return null;
    return match === 'pending' ? this.#recordFirstUse(snapshot, credential) : this.#touchIfDue(snapshot);
  }

  async #moveLegacy(credential: Credential, legacy: LegacyClaim): Promise<Snapshot | null> {
    const record = await this.#migration.copy(credential, legacy);
    return record && this.#open(record, credential, legacy);
  }

  async #refuseReused(record: SessionRecord): Promise<null> {
    this.settings.logger?.warn(`token-sessions: the previous token of session ${record.id} came back after its grace`);
    this.events.emit('reuse-detected', eventOf(record));
    if (this.settings.onReuse === 'destroy') await this.destroy(record, 'reuse');
    return null;
  }

  /** The first use of a pending token makes it the current one, and is written before anybody is served by it. */
  async #recordFirstUse(snapshot: Snapshot, credential: Credential): Promise<Snapshot | null> {
    const { settings } = this;
    try {
      return await this.queue.submit(snapshot, (content) => {
        const now = settings.now();
        const match = matchToken(content.state.tokens, credential.hash, now);
        // Another rotation may have replaced it since it was read.
        if (match === 'unknown' || match === 'reused') throw gone(snapshot.record.id);
        if (match !== 'pending') return content;
        return { ...content, state: { ...promotePending(content.state, now, settings.rotationGrace), lastActiveAt: now } };
      });
    } catch (error) {
      if (isSessionError(error) && error.code === 'SESSION_GONE') return null;
      throw error;
    }
  }

  #touchIfDue(snapshot: Snapshot): Snapshot | Promise<Snapshot | null> {
    return this.isTouchDue(snapshot) ? this.#touchInPassing(snapshot) : snapshot;
  }

  async #touchInPassing(snapshot: Snapshot): Promise<Snapshot | null> {
    try {
      return await this.touch(snapshot);
    } catch (error) {
      if (!isSessionError(error)) throw error;
      if (error.code === 'SESSION_GONE') return null;
      // The session was read and is good: that its use cannot be noted now (told by the store-error event) need not stop the request.
      if (error.code === 'CONFLICT' || error.code === 'STORE_UNAVAILABLE') return snapshot;
      throw error;
    }
  }

  async #lookUp(ids: readonly string[]): Promise<Standing[]> {
    const { findMany } = this.settings.store;
    const records = findMany
      ? await this.store.call('findMany', '', () => findMany.call(this.settings.store, ids))
      : await Promise.all(ids.map((id) => this.store.find(id)));
    return records.map((record) => this.#standing(record));
  }

  #standing(record: SessionRecord | null): Standing {
    if (!record) return null;
    try {
      return effectiveDeadline(record, decodeRecord(record), this.settings.limits);
    } catch {
      return undefined;
    }
  }

  #touchIsDue(content: Content, now: number): boolean {
    return now - content.state.lastActiveAt >= this.settings.touchInterval;
  }

  async #read(record: SessionRecord): Promise<Snapshot | null> {
    const state = this.#stateOf(record);
    return state && this.#snapshotOf(record, state);
  }

  /** What a record says, or `null` when its deadline has passed. @throws `INVALID_DATA` */
  #stateOf(record: SessionRecord): SessionState | null {
    try {
      const state = decodeRecord(record);
      return this.settings.now() < effectiveDeadline(record, state, this.settings.limits) ? state : null;
    } catch (error) {
      this.#reportInvalid(record, error);
      throw error;
    }
  }

  /** The snapshot of a record that is going to be used: the schema runs on no other. Asynchronous only where there is a schema. */
  #snapshotOf(record: SessionRecord, state: SessionState): Snapshot | Promise<Snapshot> {
    const { validator } = this.settings;
    return validator ? this.#validated(record, state, validator) : snapshotOf(record, { state, data: state.stored }, this.settings);
  }

  /** @throws `INVALID_DATA` */
  async #validated(record: SessionRecord, state: SessionState, validator: Validator): Promise<Snapshot> {
    try {
      return snapshotOf(record, { state, data: await validator(state.stored) }, this.settings);
    } catch (error) {
      this.#reportInvalid(record, error);
      throw error;
    }
  }

  #reportInvalid(session: { readonly id: string; readonly ownerId?: string }, error: unknown): void {
    if (!isSessionError(error) || error.code !== 'INVALID_DATA') return;
    this.settings.logger?.error(`token-sessions: session ${session.id} cannot be read: ${error.message}`);
    this.events.emit('invalid-data', { ...eventOf(session), reason: error.message });
  }

  async #insert(record: SessionRecord): Promise<void> {
    const { settings } = this;
    const ttl = Math.max(1, record.expiresAt - settings.now());
    if (settings.maxPerOwner && record.ownerId !== undefined) {
      const insertWithin = this.#capability('insertWithin', "limit an account's sessions");
      const limit = { ...settings.maxPerOwner, now: settings.now() };
      const { outcome, evicted } = await this.store.insertWithin(record, () => insertWithin(record, ttl, limit));
      for (const id of evicted) {
        this.events.emit('evicted', { id, ownerId: record.ownerId });
        this.live.end(id, 'evicted');
      }
      if (outcome === 'inserted') return;
      if (outcome === 'limit-reached') {
        throw new SessionError('LIMIT_REACHED', `the account has ${limit.max} sessions, the most that maxPerOwner allows: end one first`);
      }
    } else if ((await this.store.insert(record, ttl)) === 'inserted') {
      return;
    }
    throw new SessionError('STORE_UNAVAILABLE', 'the session store refused a new id as one that exists: its records cannot be trusted');
  }

  /** Whether some failures to read a session make the request an anonymous one. */
  get #isTolerant(): boolean {
    return this.settings.onStoreError === 'anonymous' || this.settings.onInvalidData === 'anonymous';
  }

  #asAnonymous(error: unknown): null {
    const code = isSessionError(error) ? error.code : undefined;
    if (code === 'STORE_UNAVAILABLE' && this.settings.onStoreError === 'anonymous') return null;
    if (code === 'INVALID_DATA' && this.settings.onInvalidData === 'anonymous') return null;
    throw error;
  }

  #checkOwner(ownerId: string): void {
    if (!this.settings.ownerOf) throw new SessionError('NOT_SUPPORTED', 'account operations need the option ownerOf');
    if (typeof ownerId !== 'string' || ownerId === '') throw new SessionError('INVALID_OPTION', 'ownerId has to be a non-empty string');
  }

  #capability<Name extends Capability>(name: Name, purpose: string): NonNullable<Settings['store'][Name]> {
    const { store } = this.settings;
    const method = store[name];
    if (method) return method.bind(store) as NonNullable<Settings['store'][Name]>;
    throw new SessionError('NOT_SUPPORTED', `this store cannot ${purpose}: it has no ${name}`);
  }
}

type Capability = 'listByOwner' | 'deleteByOwner' | 'insertWithin' | 'count' | 'sweep';

function rethrowUnlessInvalid(error: unknown): null {
  if (isSessionError(error) && error.code === 'INVALID_DATA') return null;
  throw error;
}

/**
 * The account that data belongs to.
 *
 * @throws `INVALID_DATA` when `ownerOf` throws or returns something else than a non-empty string or undefined
 */
export function ownerOf(settings: Settings, data: JsonValue): string | undefined {
  if (!settings.ownerOf) return undefined;
  let owner: unknown;
  try {
    owner = settings.ownerOf(data);
  } catch (cause) {
    throw new SessionError('INVALID_DATA', "ownerOf threw for the session's data: see the error's cause", { cause });
  }
  if (owner === undefined || (typeof owner === 'string' && owner !== '')) return owner;
  throw new SessionError('INVALID_DATA', 'ownerOf has to return a non-empty string, or undefined for a session without an owner');
}
