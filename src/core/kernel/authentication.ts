import { gone, isSessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import { matchToken, opens, promotePending, type TokenMatch } from '../record/rotation.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import { isGone, type Lifecycle } from './lifecycle.js';
import type { Reader } from './reader.js';
import type { Settings } from './settings.js';
import type { WriteQueue } from './write-queue.js';

/** The session of another library behind a token that is not ours; moved here when it is used. */
export interface ForeignSession {
  /** For a token that has no session here: the record of its copy, or `null` where there is none. */
  copy(): Promise<SessionRecord | null>;
  /** Completes the move of a session that the old token has opened. */
  settle(found: Snapshot): Promise<Snapshot | null>;
}

/** Finds the session that a token opens. */
export class Authentication {
  readonly #store: GuardedStore;
  readonly #reader: Reader;
  readonly #queue: WriteQueue;
  readonly #lifecycle: Lifecycle;
  readonly #events: EventHub;
  readonly #settings: Settings;

  constructor(store: GuardedStore, reader: Reader, queue: WriteQueue, lifecycle: Lifecycle, events: EventHub, settings: Settings) {
    this.#store = store;
    this.#reader = reader;
    this.#queue = queue;
    this.#lifecycle = lifecycle;
    this.#events = events;
    this.#settings = settings;
  }

  /**
   * The session that a token opens. The first use of a pending token, and activity that is due, are
   * written before the answer.
   *
   * @throws `STORE_UNAVAILABLE` · `INVALID_DATA`
   */
  authenticate(credential: Credential, foreign?: ForeignSession): Promise<Snapshot | null> {
    return this.#store.read(credential.id, (record) => {
      if (record) return this.#open(record, credential, foreign);
      return foreign ? this.#moveForeign(credential, foreign) : null;
    });
  }

  /**
   * Looks again whether a session that was authenticated before may go on: any of these hashes has
   * to open it. No token was sent now, so none counts as used or reused. Answers `'replaced'` for a
   * session that is alive and has other tokens by now.
   */
  async revalidate(id: string, hashes: readonly string[]): Promise<Snapshot | 'replaced' | null> {
    const record = await this.#store.find(id);
    const state = record && this.#reader.stateOf(record);
    if (!record || !state) return null;
    if (!opens(state.tokens, hashes, this.#settings.now())) return 'replaced';
    return this.#touchIfDue(await this.#reader.snapshotOf(record, state));
  }

  /** Whether this token opens the session by a fresh read, whatever its data. @throws `INVALID_DATA` for unreadable hashes */
  async proves({ id, hash }: Credential): Promise<SessionRecord | null> {
    const record = await this.#store.find(id);
    const state = record && this.#reader.stateOf(record);
    return state && opens(state.tokens, [hash], this.#settings.now()) ? record : null;
  }

  /** Asynchronous only where there is something to write, or a schema. */
  #open(record: SessionRecord, credential: Credential, foreign: ForeignSession | undefined): Snapshot | null | Promise<Snapshot | null> {
    const state = this.#reader.stateOf(record);
    const match = state ? matchToken(state.tokens, credential.hash, this.#settings.now()) : 'unknown';
    if (match === 'reused') return this.#refuseReused(record);
    if (!state || match === 'unknown') return null;
    const found = this.#reader.snapshotOf(record, state);
    if (match !== 'pending' && !foreign && !(found instanceof Promise)) return this.#touchIfDue(found);
    return this.#complete(found, match, credential, foreign);
  }

  async #complete(
    found: Snapshot | Promise<Snapshot>,
    match: TokenMatch,
    credential: Credential,
    foreign: ForeignSession | undefined,
  ): Promise<Snapshot | null> {
    const snapshot = foreign ? await foreign.settle(await found) : await found;
    if (!snapshot) return null;
    return match === 'pending' ? this.#recordFirstUse(snapshot, credential) : this.#touchIfDue(snapshot);
  }

  async #moveForeign(credential: Credential, foreign: ForeignSession): Promise<Snapshot | null> {
    const record = await foreign.copy();
    return record && this.#open(record, credential, foreign);
  }

  async #refuseReused(record: SessionRecord): Promise<null> {
    this.#settings.logger?.warn(`token-sessions: the previous token of session ${record.id} came back after its grace`);
    this.#events.emit('reuse-detected', eventOf(record));
    if (this.#settings.onReuse === 'destroy') await this.#lifecycle.destroy(record, 'reuse');
    return null;
  }

  /** The first use of a pending token makes it the current one. This is written before it opens anything. */
  async #recordFirstUse(snapshot: Snapshot, credential: Credential): Promise<Snapshot | null> {
    const { now, rotationGrace } = this.#settings;
    try {
      return await this.#queue.submit(snapshot, (content) => {
        const time = now();
        const match = matchToken(content.state.tokens, credential.hash, time);
        // Another rotation may have replaced it since it was read.
        if (match === 'unknown' || match === 'reused') throw gone();
        if (match !== 'pending') return content;
        return { ...content, state: { ...promotePending(content.state, time, rotationGrace), lastActiveAt: time } };
      });
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }

  #touchIfDue(snapshot: Snapshot): Snapshot | Promise<Snapshot | null> {
    return this.#lifecycle.isTouchDue(snapshot) ? this.#touchInPassing(snapshot) : snapshot;
  }

  async #touchInPassing(snapshot: Snapshot): Promise<Snapshot | null> {
    try {
      return await this.#lifecycle.touch(snapshot);
    } catch (error) {
      if (!isSessionError(error)) throw error;
      if (error.code === 'SESSION_GONE') return null;
      // The session was read and is good. That its use cannot be noted now (a store-error event
      // reports it) does not stop the request.
      if (error.code === 'CONFLICT' || error.code === 'STORE_UNAVAILABLE') return snapshot;
      throw error;
    }
  }
}
