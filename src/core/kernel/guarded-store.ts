import { isSessionError, SessionError } from '../error.js';
import type { EventHub } from '../events.js';
import { describeError, type Logger } from '../logger.js';
import type { LimitedInsert, SessionRecord, SessionStore } from '../store.js';
import { TimeLimit, Timeout } from './time-limit.js';

const READS = new Set(['find', 'legacy read']);

/** Every call of the library to its store goes through here: bounded in time, its failures told apart and reported. */
export class GuardedStore {
  readonly store: SessionStore;
  readonly #timeout: number;
  readonly #limit: TimeLimit;
  readonly #events: EventHub;
  readonly #logger: Logger | undefined;

  constructor(store: SessionStore, timeout: number, events: EventHub, logger: Logger | undefined) {
    this.store = store;
    this.#timeout = timeout;
    this.#limit = new TimeLimit(timeout);
    this.#events = events;
    this.#logger = logger;
  }

  find(id: string): Promise<SessionRecord | null> {
    return this.read(id, (record) => record);
  }

  /** What `use` makes of what is found: its failures are not the store's. */
  read<Result>(id: string, use: (record: SessionRecord | null) => Result | PromiseLike<Result>): Promise<Result> {
    return this.#limit.answer(
      () => this.store.find(id),
      use,
      (error) => this.#failure('find', id, error),
    );
  }

  /** Inserts, and recognises its own write where the answer was lost. */
  insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#recover(
      'insert',
      record.id,
      () => this.store.insert(record, ttl),
      (found) => (found?.version === record.version ? 'inserted' : undefined),
    );
  }

  /** Inserts within a limit; where the answer was lost, whom it evicted is not known any more. */
  insertWithin(record: SessionRecord, write: () => Promise<LimitedInsert>): Promise<LimitedInsert> {
    return this.#recover('insertWithin', record.id, write, (found) =>
      found?.version === record.version ? { outcome: 'inserted', evicted: [] } : undefined,
    );
  }

  /** Replaces, and recognises its own write where the answer was lost. */
  replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#recover(
      'replace',
      record.id,
      () => this.store.replace(record, expectedVersion, ttl),
      (found) => (found?.version === record.version ? 'replaced' : undefined),
    );
  }

  /** Deletes; a lost answer counts as done when the record is not there. */
  delete(id: string): Promise<boolean> {
    return this.#recover(
      'delete',
      id,
      () => this.store.delete(id),
      (found) => (found === null ? true : undefined),
    );
  }

  /**
   * A store call within `storeTimeout`.
   *
   * @throws `STORE_UNAVAILABLE`, or the store's own `SessionError`.
   */
  call<Result>(verb: string, id: string, run: () => Promise<Result>): Promise<Result> {
    return this.#limit.answer(
      run,
      (answer) => answer,
      (error) => this.#failure(verb, id, error),
    );
  }

  /**
   * A write whose answer was lost may have happened: one read tells. After a time-out nothing more is asked, since the caller has
   * waited long enough and the write may still arrive; compare-and-swap makes that harmless.
   */
  async #recover<Result>(
    verb: string,
    id: string,
    write: () => Promise<Result>,
    recognise: (found: SessionRecord | null) => Result | undefined,
  ): Promise<Result> {
    const started = performance.now();
    try {
      return await this.#limit.within(write);
    } catch (error) {
      const left = this.#timeout - (performance.now() - started);
      if (!(error instanceof Timeout) && !isSessionError(error) && left > 0) {
        const found = await new TimeLimit(left).within(() => this.store.find(id)).catch(() => undefined);
        const result = found === undefined ? undefined : recognise(found);
        if (result !== undefined) return result;
      }
      throw this.#failure(verb, id, error);
    }
  }

  #failure(verb: string, id: string, error: unknown): SessionError {
    // What a store says itself needs no other words, but outages and records that cannot be read are reported, whoever names them. Of a
    // write, it may be the caller's data that the store cannot take.
    if (isSessionError(error) && error.code === 'INVALID_DATA' && READS.has(verb)) {
      this.#logger?.error(`token-sessions: session ${id} cannot be read: ${error.message}`);
      this.#events.emit('invalid-data', { id, reason: error.message });
    }
    if (isSessionError(error) && error.code !== 'STORE_UNAVAILABLE') return error;
    const late = error instanceof Timeout;
    const reason = late ? `no answer within ${this.#timeout} ms` : describeError(error);
    this.#logger?.error(`token-sessions: the store's ${verb} failed: ${reason}`);
    this.#events.emit('store-error', { id, reason });
    if (isSessionError(error)) return error;
    return new SessionError(
      'STORE_UNAVAILABLE',
      late
        ? `the session store did not answer within storeTimeout (${this.#timeout} ms)`
        : `the session store failed: see the error's cause`,
      { cause: late ? undefined : error },
    );
  }
}
