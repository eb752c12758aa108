import { gone, isSessionError, SessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import { authenticatedAtOf, recognise, type Standing, standingOf, type TokenMatch } from '../record/match.js';
import { firstUse } from '../record/rotation.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import { isGone, type Lifecycle } from './lifecycle.js';
import type { Reader } from './reader.js';
import type { ReportLimit } from './report-limit.js';
import type { Settings } from './settings.js';
import type { WriteQueue } from './write-queue.js';

/** The session of another library, behind its token. It moves here when it is used. */
export interface ForeignSession {
  /**
   * For a token that has no session here: the record of its copy, or `null` where there is none.
   */
  copy(): Promise<SessionRecord | null>;
  /** Completes the move of a session that the old token has opened. */
  settle(found: Snapshot): Promise<Snapshot | null>;
}

/** A session that a token has opened, and the token's rights. */
export interface Authenticated {
  readonly snapshot: Snapshot;
  readonly standing: Standing;
}

/** How a token arrives. */
export interface Arrival {
  readonly foreign?: ForeignSession | undefined;
  /**
   * Whether the token was sent earlier, as with a call on an open socket. If it was replaced, it
   * is refused, but it is no reuse.
   */
  readonly isRepeated?: boolean;
}

/** Reads of a record that others change all the time, before `CONFLICT`. */
const MAX_ATTEMPTS = 100;

interface FirstUse {
  readonly written: Snapshot | null;
  /** The token opened nothing, by the record that the write began with. */
  readonly isRefused: boolean;
}

/** Finds the session that a token opens. */
export class Authentication {
  readonly #store: GuardedStore;
  readonly #reader: Reader;
  readonly #queue: WriteQueue;
  readonly #lifecycle: Lifecycle;
  readonly #events: EventHub;
  readonly #settings: Settings;
  readonly #reports: ReportLimit;

  constructor(
    store: GuardedStore,
    reader: Reader,
    queue: WriteQueue,
    lifecycle: Lifecycle,
    events: EventHub,
    settings: Settings,
    reports: ReportLimit,
  ) {
    this.#store = store;
    this.#reader = reader;
    this.#queue = queue;
    this.#lifecycle = lifecycle;
    this.#events = events;
    this.#settings = settings;
    this.#reports = reports;
  }

  /**
   * The session that a token opens. The first use of a pending token, and activity that is due,
   * are written before the answer.
   *
   * @throws `STORE_UNAVAILABLE` · `INVALID_DATA`
   */
  authenticate(credential: Credential, arrival: Arrival = {}): Promise<Authenticated | null> {
    return this.#store.read(credential.id, (record) => {
      if (record) return this.#open(record, credential, arrival);
      return arrival.foreign ? this.#moveForeign(credential, arrival.foreign) : null;
    });
  }

  /**
   * Checks again whether a session may go on: one of these tokens must open it. No token was sent
   * now, so none counts as used or reused. Answers `'replaced'` for a live session that has other
   * tokens by now.
   */
  async revalidate(id: string, credentials: readonly Credential[]): Promise<Authenticated | 'replaced' | null> {
    const record = await this.#store.find(id);
    const state = record && this.#reader.stateOf(record);
    if (!record || !state) return null;
    const standing = standingOf(state, credentials, this.#settings.now());
    if (!standing) return 'replaced';
    const snapshot = await this.#touchIfDue(await this.#reader.snapshotOf(record, state));
    return snapshot && { snapshot, standing };
  }

  /**
   * The record, if this token opens it by a fresh read, whatever its data. @throws `INVALID_DATA`
   * for unreadable hashes
   */
  async proves(credential: Credential): Promise<SessionRecord | null> {
    const record = await this.#store.find(credential.id);
    const state = record && this.#reader.stateOf(record);
    return state && standingOf(state, [credential], this.#settings.now()) ? record : null;
  }

  /** Asynchronous only where there is something to write, or a schema. */
  #open(record: SessionRecord, credential: Credential, arrival: Arrival): Authenticated | null | Promise<Authenticated | null> {
    const state = this.#reader.stateOf(record);
    if (!state) return null;
    const match = recognise(state.tokens, credential, this.#settings.now());
    const authenticatedAt = authenticatedAtOf(state, match);
    if (authenticatedAt === undefined) return match === 'reused' ? this.#refuseReused(record, arrival) : null;
    const found = this.#reader.snapshotOf(record, state);
    const standing: Standing = { replaced: match === 'grace', authenticatedAt };
    if (match === 'pending' || arrival.foreign || found instanceof Promise || this.#lifecycle.isTouchDue(found)) {
      return this.#complete(found, match, credential, standing, arrival.foreign);
    }
    return { snapshot: found, standing };
  }

  async #complete(
    found: Snapshot | Promise<Snapshot>,
    match: TokenMatch,
    credential: Credential,
    standing: Standing,
    foreign: ForeignSession | undefined,
  ): Promise<Authenticated | null> {
    const settled = foreign ? await foreign.settle(await found) : await found;
    if (!settled) return null;
    const snapshot = match === 'pending' ? await this.#recordFirstUse(settled, credential) : await this.#touchIfDue(settled);
    return snapshot && { snapshot, standing };
  }

  async #moveForeign(credential: Credential, foreign: ForeignSession): Promise<Authenticated | null> {
    const record = await foreign.copy();
    return record && this.#open(record, credential, { foreign });
  }

  async #refuseReused(record: SessionRecord, { isRepeated }: Arrival): Promise<null> {
    if (isRepeated) return null;
    const { onReuse, logger, now } = this.#settings;
    if (this.#reports.allows(record.id, now())) {
      logger?.warn(`token-sessions: a token of session ${record.id} came back after it was replaced: it may have been stolen`);
      this.#events.emit('reuse-detected', eventOf(record));
    }
    // Each time: it may have failed before.
    if (onReuse === 'destroy') await this.#lifecycle.destroy(record, 'reuse');
    return null;
  }

  /**
   * The first use of a pending token makes it the current one. This is written before it opens
   * anything. A refusal that nothing was written for may rest on an older record: it is decided by
   * a fresh one.
   */
  async #recordFirstUse(snapshot: Snapshot, credential: Credential): Promise<Snapshot | null> {
    let found = snapshot;
    for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
      const { written, isRefused } = await this.#writeFirstUse(found, credential);
      if (!isRefused) return written;
      const fresh = await this.#reader.find(credential.id);
      const match = fresh && recognise(fresh.state.tokens, credential, this.#settings.now());
      if (!fresh || !match || authenticatedAtOf(fresh.state, match) === undefined) return null;
      if (match !== 'pending') return fresh;
      found = fresh;
    }
    throw new SessionError('CONFLICT', 'the session was changed by others at each try to note the use of its new token: try again later');
  }

  async #writeFirstUse(snapshot: Snapshot, credential: Credential): Promise<FirstUse> {
    const { now, rotationGrace: grace } = this.#settings;
    let isRefused = false;
    try {
      const written = await this.#queue.submit(snapshot, (content) => {
        const time = now();
        const match = recognise(content.state.tokens, credential, time);
        // Another rotation may have replaced it since it was read.
        isRefused = authenticatedAtOf(content.state, match) === undefined;
        if (isRefused) throw gone();
        if (match !== 'pending') return content;
        return { ...content, state: { ...firstUse(content.state, credential, { now: time, grace }), lastActiveAt: time } };
      });
      return { written, isRefused: false };
    } catch (error) {
      if (isGone(error)) return { written: null, isRefused };
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
      // The session was read and is good. If its use cannot be noted now, a store-error event
      // reports that, and the request goes on.
      if (error.code === 'CONFLICT' || error.code === 'STORE_UNAVAILABLE') return snapshot;
      throw error;
    }
  }
}
