import { gone, isSessionError, SessionError } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import { authenticatedAtOf, recognise, type Standing, standingOf, type TokenMatch } from '../record/match.js';
import { firstUse } from '../record/rotation.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { SessionRecord } from '../store.js';
import { type GuardedStore, isOwnOutage } from './guarded-store.js';
import { isGone, type Lifecycle } from './lifecycle.js';
import type { Reader } from './reader.js';
import type { ReportLimit } from './report-limit.js';
import type { Settings } from './settings.js';
import type { WriteQueue } from './write-queue.js';

/** A session of another library, found by its token. It moves here when it is used. */
export interface ForeignSession {
  /**
   * For a token without a session here: the record of its copy, or `null` if the other store has
   * no session.
   */
  copy(): Promise<SessionRecord | null>;
  /** Completes the move of a session that the old token has found. */
  settle(found: Snapshot): Promise<Snapshot | null>;
}

/** The session that a token gives access to, and the token's rights. */
export interface Authenticated {
  readonly snapshot: Snapshot;
  readonly standing: Standing;
}

/** How a token arrived. */
export interface Arrival {
  readonly foreign?: ForeignSession | undefined;
  /**
   * Whether the client sent the token earlier, as for a call on an open socket. If the token was
   * replaced, the call is refused, but that is not a reuse.
   */
  readonly isRepeated?: boolean;
}

/** How often a first use is tried before `CONFLICT`. Each try means that the record changed. */
const MAX_ATTEMPTS = 100;

interface FirstUse {
  readonly written: Snapshot | null;
  /** Whether the token gave no access by the record that the write began with. */
  readonly isRefused: boolean;
}

/** Finds the session that a token gives access to. */
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
   * Finds the session that a token gives access to. It writes the first use of a pending token,
   * and activity that is due, before it returns.
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
   * Checks whether a session may go on: one of these tokens must still give access. The client did
   * not send a token now, so none counts as used or reused. Returns `'replaced'` for a live
   * session that has other tokens by now.
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
   * Reads the record afresh. Returns it if this token fits, whatever its data.
   *
   * @throws `INVALID_DATA` for hashes that cannot be read
   */
  async proves(credential: Credential): Promise<SessionRecord | null> {
    const record = await this.#store.find(credential.id);
    const state = record && this.#reader.stateOf(record);
    return state && standingOf(state, [credential], this.#settings.now()) ? record : null;
  }

  /** Returns a promise only if something must be written, or if there is a schema. */
  #open(
    record: SessionRecord,
    credential: Credential,
    arrival: Arrival,
  ): Authenticated | null | Promise<Authenticated | null> {
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
    const snapshot =
      match === 'pending' ? await this.#recordFirstUse(settled, credential) : await this.#touchIfDue(settled);
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
      logger?.warn(
        `token-sessions: a token of session ${record.id} came back after it was replaced: it may have been stolen`,
      );
      this.#events.emit('reuse-detected', eventOf(record));
    }
    // For each reuse, not only for a reported one: an earlier attempt may have failed.
    if (onReuse === 'destroy') await this.#lifecycle.destroy(record, 'reuse');
    return null;
  }

  /**
   * Makes a pending token the current one, at its first use. The write comes before the token
   * gives access to anything. A refusal without a write may rest on an old record, so a fresh
   * record decides about it.
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
    throw new SessionError(
      'CONFLICT',
      'another request changed the session at each attempt to record the use of its new token: try again later',
    );
  }

  async #writeFirstUse(snapshot: Snapshot, credential: Credential): Promise<FirstUse> {
    const { now, rotationGrace: grace } = this.#settings;
    let isRefused = false;
    try {
      const written = await this.#queue.submit(snapshot, (content) => {
        const time = now();
        const match = recognise(content.state.tokens, credential, time);
        // Another rotation may have replaced the token since the session was read.
        isRefused = authenticatedAtOf(content.state, match) === undefined;
        if (isRefused) throw gone();
        if (match !== 'pending') return content;
        // The clock of another server may be ahead. A use must not shorten the session.
        const lastActiveAt = Math.max(content.state.lastActiveAt, time);
        return { ...content, state: { ...firstUse(content.state, credential, { now: time, grace }), lastActiveAt } };
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
      // The session is valid. If its use cannot be recorded now, the request goes on. A
      // store-error event reports the failure.
      if (error.code === 'CONFLICT' || (error.code === 'STORE_UNAVAILABLE' && !isOwnOutage(error))) return snapshot;
      throw error;
    }
  }
}
