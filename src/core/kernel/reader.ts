import { isInvalid, isSessionError, ofStored } from '../error.js';
import { type EventHub, eventOf } from '../events.js';
import { decodeRecord, type SessionState } from '../record/codec.js';
import { effectiveDeadline } from '../record/deadline.js';
import { type Snapshot, snapshotOf } from '../record/snapshot.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';

/** The part of a session that events name. */
interface Named {
  readonly id: string;
  readonly ownerId?: string;
}

/**
 * Turns records into snapshots. It decodes them, applies today's deadline and schema, and reports
 * what it cannot read.
 */
export class Reader {
  readonly #store: GuardedStore;
  readonly #settings: Settings;
  readonly #events: EventHub;
  /** Errors about the data of records whose hashes could be read. */
  readonly #decoded = new WeakSet<object>();

  constructor(store: GuardedStore, settings: Settings, events: EventHub) {
    this.#store = store;
    this.#settings = settings;
    this.#events = events;
  }

  /** The session with this id, or `null` if it has ended. It does not count as activity. */
  async find(id: string): Promise<Snapshot | null> {
    const record = await this.#store.find(id);
    return record && this.read(record);
  }

  /** The snapshot of a record, or `null` if its deadline has passed. @throws `INVALID_DATA` */
  async read(record: SessionRecord): Promise<Snapshot | null> {
    const state = this.stateOf(record);
    return state && this.snapshotOf(record, state);
  }

  /**
   * The state in a record, or `null` if its deadline has passed. It does not run the schema.
   *
   * @throws `INVALID_DATA`
   */
  stateOf(record: SessionRecord): SessionState | null {
    try {
      const state = decodeRecord(record);
      return this.#settings.now() < effectiveDeadline(record, state, this.#settings.limits) ? state : null;
    } catch (error) {
      this.reportInvalid(record, error);
      throw error;
    }
  }

  /**
   * The snapshot of a record. Returns a promise only if there is a schema.
   *
   * @throws `INVALID_DATA`
   */
  snapshotOf(record: SessionRecord, state: SessionState): Snapshot | Promise<Snapshot> {
    const { validator } = this.#settings;
    if (!validator) return snapshotOf(record, { state, data: state.stored }, this.#settings);
    return this.#validated(record, state, validator);
  }

  /** Whether a read failed only because of the data. The record's hashes could be compared. */
  wasDecoded(error: unknown): boolean {
    return isSessionError(error) && this.#decoded.has(error);
  }

  /** Reports a session whose record or data is unusable. Ignores other errors. */
  reportInvalid(session: Named, error: unknown): void {
    if (!isInvalid(error)) return;
    this.#settings.logger?.error(`token-sessions: session ${session.id} cannot be read: ${error.message}`);
    this.#events.emit('invalid-data', { ...eventOf(session), reason: error.message });
  }

  async #validated(
    record: SessionRecord,
    state: SessionState,
    validator: NonNullable<Settings['validator']>,
  ): Promise<Snapshot> {
    try {
      return snapshotOf(record, { state, data: await validator(state.stored) }, this.#settings);
    } catch (refused) {
      const error = ofStored(refused);
      if (isSessionError(error)) this.#decoded.add(error);
      this.reportInvalid(record, error);
      throw error;
    }
  }
}
