import { isInvalid, isSessionError, ofStored, SessionError } from '../error.js';
import type { EventHub } from '../events.js';
import { describeError, type Logger } from '../logger.js';
import { withoutSecrets } from '../safe-cause.js';
import type { LimitedInsert, OwnerLimit, OwnerTrim, SessionRecord, SessionStore, StoreListener } from '../store.js';
import { TimeLimit, Timeout } from './time-limit.js';
import { pause } from './timers.js';

/** The name of a store call, in log lines. The last two are calls to another library's store. */
type StoreCall = keyof SessionStore | 'legacy read' | 'legacy remove';

const READS: ReadonlySet<StoreCall> = new Set(['find', 'legacy read']);

/** The purpose of each optional verb, in the words of the `NOT_SUPPORTED` message. */
const PURPOSES = {
  touch: 'move a deadline alone',
  listByOwner: "list an account's sessions",
  deleteByOwner: "end an account's sessions",
  insertWithin: "limit an account's sessions",
  trimOwner: "limit an account's sessions",
  count: 'count its sessions',
  sweep: 'be swept',
} as const;

const ownOutages = new WeakSet<SessionError>();

/**
 * Whether the store itself reported this outage. Then its recent answers may be out of date too,
 * for example those of a primary that was demoted.
 */
export function isOwnOutage(error: SessionError): boolean {
  return ownOutages.has(error);
}

/**
 * Every call of the library to its store goes through here. This class limits the time, classifies
 * failures and reports them. An optional verb that the store lacks gives `NOT_SUPPORTED`.
 */
export class GuardedStore {
  readonly #store: SessionStore;
  readonly #timeout: number;
  readonly #limit: TimeLimit;
  readonly #events: EventHub;
  readonly #logger: Logger | undefined;

  constructor(store: SessionStore, timeout: number, events: EventHub, logger: Logger | undefined) {
    this.#store = store;
    this.#timeout = timeout;
    this.#limit = new TimeLimit(timeout);
    this.#events = events;
    this.#logger = logger;
  }

  has(verb: keyof SessionStore): boolean {
    return this.#store[verb] !== undefined;
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    while (this.#limit.isBusy) await pause();
  }

  find(id: string): Promise<SessionRecord | null> {
    return this.read(id, (record) => record);
  }

  /** Resolves to what `use` returns for the record. A failure of `use` is not a store failure. */
  read<Result>(id: string, use: (record: SessionRecord | null) => Result | PromiseLike<Result>): Promise<Result> {
    return this.#limit.answer(
      () => this.#store.find(id),
      use,
      (error) => this.#failure('find', id, error),
    );
  }

  /** Finds the records with these ids, in the same order, in as few round trips as possible. */
  findMany(ids: readonly string[]): Promise<(SessionRecord | null)[]> {
    if (!this.#store.findMany) return Promise.all(ids.map((id) => this.find(id)));
    return this.#call('findMany', (store) => store.findMany?.(ids));
  }

  /** Inserts. If the answer is lost, it looks whether the write has happened. */
  insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#recover(
      'insert',
      record.id,
      () => this.#store.insert(record, ttl),
      (found) => (found?.version === record.version ? 'inserted' : undefined),
    );
  }

  /** Inserts within a limit, in steps. After a lost answer, the evicted sessions are unknown. */
  async *insertWithin(record: SessionRecord, ttl: number, limit: OwnerLimit): AsyncGenerator<LimitedInsert> {
    const write = this.#required('insertWithin');
    const steps = this.#store.steps?.insertWithin?.(record, ttl, limit);
    if (steps) return yield* this.#steps('insertWithin', steps);
    yield await this.#recover(
      'insertWithin',
      record.id,
      () => write(record, ttl, limit),
      (found) => (found?.version === record.version ? { outcome: 'inserted', evicted: [] } : undefined),
    );
  }

  /** Replaces. If the answer is lost, it looks whether the write has happened. */
  replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#recover(
      'replace',
      record.id,
      () => this.#store.replace(record, expectedVersion, ttl),
      (found) => (found?.version === record.version ? 'replaced' : undefined),
    );
  }

  /** Deletes. After a lost answer, the delete counts as done if the record is missing. */
  delete(id: string): Promise<boolean> {
    return this.#recover(
      'delete',
      id,
      () => this.#store.delete(id),
      (found) => (found === null ? true : undefined),
    );
  }

  /**
   * Moves the deadline without writing the body. If the answer is lost, it looks whether the write
   * has happened.
   */
  touch(
    { body: _, ...record }: SessionRecord,
    expectedVersion: string,
    ttl: number,
  ): Promise<'replaced' | 'gone' | 'conflict'> {
    const write = this.#required('touch');
    return this.#recover(
      'touch',
      record.id,
      () => write(record, expectedVersion, ttl),
      (found) => (found?.version === record.version ? 'replaced' : undefined),
    );
  }

  /** Lists an owner's records, in steps. */
  listByOwner(ownerId: string): AsyncIterable<readonly SessionRecord[]> {
    const list = this.#required('listByOwner');
    return this.#bulk('listByOwner', this.#store.steps?.listByOwner?.(ownerId), () => list(ownerId));
  }

  /** Ends an owner's sessions, in steps. Each step returns the ids that it removed. */
  deleteByOwner(ownerId: string, except?: string): AsyncIterable<readonly string[]> {
    const remove = this.#required('deleteByOwner');
    return this.#bulk('deleteByOwner', this.#store.steps?.deleteByOwner?.(ownerId, except), () =>
      remove(ownerId, except),
    );
  }

  /** Ends an owner's oldest sessions, in steps. Each step returns the ids that it ended. */
  trimOwner(ownerId: string, trim: OwnerTrim): AsyncIterable<readonly string[]> {
    const cut = this.#required('trimOwner');
    return this.#bulk('trimOwner', this.#store.steps?.trimOwner?.(ownerId, trim), () => cut(ownerId, trim));
  }

  /** Counts the records, in steps. */
  count(): AsyncIterable<number> {
    const count = this.#required('count');
    return this.#bulk('count', this.#store.steps?.count?.(), count);
  }

  /** Removes expired records, in steps. Each step returns how many it removed. */
  sweep(now: number): AsyncIterable<number> {
    const sweep = this.#required('sweep');
    return this.#bulk('sweep', this.#store.steps?.sweep?.(now), () => sweep(now));
  }

  /** Opens the store's notifications. The caller must report failures. */
  subscribe(listener: StoreListener): Promise<() => Promise<void>> {
    return this.#store.subscribe?.(listener) ?? Promise.resolve(() => Promise.resolve());
  }

  /** Makes a call to another store about this session, with the same limit and reports. */
  foreign<Result>(call: 'legacy read' | 'legacy remove', id: string, run: () => Promise<Result>): Promise<Result> {
    return this.#limit.answer(
      run,
      (answer) => answer,
      (error) => this.#failure(call, id, error),
    );
  }

  /**
   * Runs the steps of bulk work. `storeTimeout` limits each step, and other work runs in between.
   */
  async *#steps<Step>(verb: keyof SessionStore, steps: AsyncIterable<Step>): AsyncGenerator<Step> {
    const iterator = steps[Symbol.asyncIterator]();
    for (let count = 1; ; count += 1) {
      const step = await this.#call(verb, () => iterator.next());
      if (step.done) return;
      yield step.value;
      // Most bulk work has one or two steps. Only longer work needs the pause.
      if (count > 2) await pause();
    }
  }

  /** Runs bulk work in steps, or in one call if the store has no steps for it. */
  async *#bulk<Step>(
    verb: keyof SessionStore,
    steps: AsyncIterable<Step> | undefined,
    whole: () => Promise<Step>,
  ): AsyncGenerator<Step> {
    if (steps) yield* this.#steps(verb, steps);
    else yield await this.#call(verb, whole);
  }

  /**
   * Makes a call that is not about one session.
   *
   * @throws `STORE_UNAVAILABLE`, or the store's own `SessionError`
   */
  #call<Result>(verb: keyof SessionStore, run: (store: SessionStore) => Promise<Result> | undefined): Promise<Result> {
    return this.#limit.answer(
      () => run(this.#store) ?? Promise.reject(unsupported(verb, 'do that')),
      (answer) => answer,
      (error) => this.#failure(verb, '', error),
    );
  }

  /** @throws `NOT_SUPPORTED` if the store does not have this verb */
  #required<Verb extends keyof typeof PURPOSES>(verb: Verb): NonNullable<SessionStore[Verb]> {
    const method: SessionStore[Verb] = this.#store[verb];
    if (!method) throw unsupported(verb, PURPOSES[verb]);
    return method.bind(this.#store) as NonNullable<SessionStore[Verb]>;
  }

  /**
   * Runs a write. If its answer is lost, the write may have happened: one read shows whether it
   * did. After a timeout there is no such read, because the caller has waited long enough and the
   * write may still arrive. Compare-and-swap makes a late write harmless.
   */
  async #recover<Result>(
    verb: StoreCall,
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
        const found = await new TimeLimit(left).within(() => this.#store.find(id)).catch(() => undefined);
        const result = found === undefined ? undefined : recognise(found);
        if (result !== undefined) return result;
      }
      throw this.#failure(verb, id, error);
    }
  }

  #failure(verb: StoreCall, id: string, error: unknown): SessionError {
    // A SessionError of the store passes through. Outages and unreadable records are reported
    // first. For a write, INVALID_DATA may mean data that the store cannot hold, so it is not
    // reported.
    if (isInvalid(error) && READS.has(verb)) {
      this.#logger?.error(`token-sessions: session ${id} cannot be read: ${error.message}`);
      this.#events.emit('invalid-data', { id, reason: error.message });
      return ofStored(error);
    }
    if (isSessionError(error) && error.code !== 'STORE_UNAVAILABLE') return error;
    const late = error instanceof Timeout;
    const cause = late ? undefined : withoutSecrets(error);
    const reason = late ? `no answer within ${this.#timeout} ms` : describeError(cause);
    this.#logger?.error(`token-sessions: the store's ${verb} failed: ${reason}`);
    this.#events.emit('store-error', { id, reason });
    if (isSessionError(error)) {
      ownOutages.add(error);
      return error;
    }
    return new SessionError(
      'STORE_UNAVAILABLE',
      late
        ? `the session store did not answer within storeTimeout (${this.#timeout} ms)`
        : "the session store failed: see the error's cause",
      { cause },
    );
  }
}

function unsupported(verb: string, purpose: string): SessionError {
  return new SessionError('NOT_SUPPORTED', `this store cannot ${purpose}: it has no ${verb}`);
}
