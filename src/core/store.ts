/**
 * The record that a store keeps for a session. A store uses only {@link SessionRecord.id | id},
 * {@link SessionRecord.version | version}, {@link SessionRecord.ownerId | ownerId} and the two
 * times. The body is opaque. A record holds no credential: the body has only the SHA-256 of a
 * token's secret.
 */
export interface SessionRecord {
  /** A UUIDv7 in lower case, 36 characters of `[0-9a-f-]`. Public: it may be logged and shown. */
  readonly id: string;
  /**
   * A fresh random text for each write, at most 64 characters of `[A-Za-z0-9_-]`. Two writes never
   * share one.
   */
  readonly version: string;
  /**
   * The account that the session belongs to: any non-empty text. Absent for a session that has no
   * owner. A `replace` may give an owner to a session that had none; an owner never changes after
   * that.
   */
  readonly ownerId?: string;
  /** When the session was created, in ms since the epoch by the library's clock. Never changes. */
  readonly createdAt: number;
  /**
   * When the session ends unless it is used, in ms since the epoch by the library's clock. At most
   * 8.64e15.
   */
  readonly expiresAt: number;
  /**
   * Opaque well-formed text: JSON, in which `U+0000` and lone surrogates are escaped. To be given
   * back as it is, to the character.
   */
  readonly body: string;
}

/** The functions that {@link SessionStore.subscribe} calls. */
export interface StoreListener {
  /**
   * These sessions have ended. Called at most once for each, perhaps never: notifications can be
   * lost.
   */
  ended(ids: readonly string[]): void;
  /**
   * Notifications may have been missed (a reconnect): every live session must be checked again.
   */
  gap(): void;
}

/** A limit on the sessions of one owner, for {@link SessionStore.insertWithin}. */
export interface OwnerLimit {
  /** The most sessions that one owner may have, at least 1. */
  readonly max: number;
  /**
   * `'evict-oldest'` ends the sessions created first to make room; `'deny'` refuses the new one.
   */
  readonly onLimit: 'evict-oldest' | 'deny';
  /**
   * The time by the library's clock, in ms since the epoch: sessions whose `expiresAt` is not
   * later do not count.
   */
  readonly now: number;
  /**
   * The id of a session that the caller ends afterwards: it does not count and is not evicted. Any
   * session, perhaps a missing one.
   */
  readonly replaces?: string;
}

/** How far {@link SessionStore.trimOwner} cuts an owner's sessions. */
export interface OwnerTrim {
  /** The most sessions that may be left, at least 1. */
  readonly max: number;
  /**
   * The time by the library's clock, in ms since the epoch: sessions whose `expiresAt` is not
   * later do not count.
   */
  readonly now: number;
  /** The id of a session that must not be ended. It counts if it is there. */
  readonly keep: string;
  /** The id of a session that the caller ends itself: it does not count and is not ended. */
  readonly ignore?: string;
}

/** A record without its body: what {@link SessionStore.touch} writes. */
export type TouchedRecord = Omit<SessionRecord, 'body'>;

/** The answer of {@link SessionStore.insertWithin}. */
export interface LimitedInsert {
  /** Whether the record was inserted; otherwise nothing was changed. */
  readonly outcome: 'inserted' | 'exists' | 'limit-reached';
  /** The ids of the sessions that were ended to make room. */
  readonly evicted: readonly string[];
}

/**
 * The verbs that walk through many records, as bounded steps. Each `next()` does one step: some
 * hundred records, so that no other call waits long, and `storeTimeout` bounds the step rather
 * than the whole. A step may have nothing to show for its work: an empty list, or 0. The work is
 * done when the iteration ends; all steps together are what the verb answers. A caller that stops
 * early leaves the rest as it is.
 *
 * A store has a verb here only if it has the verb itself. The library takes a verb that is missing
 * here in one step.
 */
export interface StoreSteps {
  /**
   * {@link SessionStore.insertWithin}: the first step inserts, the others evict. Each answers the
   * outcome, and the ids that it evicted. If a step fails, the record is taken back.
   */
  insertWithin?(record: SessionRecord, ttl: number, limit: OwnerLimit): AsyncIterable<LimitedInsert>;
  /** {@link SessionStore.listByOwner}: the records of each step. */
  listByOwner?(ownerId: string): AsyncIterable<readonly SessionRecord[]>;
  /** {@link SessionStore.deleteByOwner}: the ids that each step removed. */
  deleteByOwner?(ownerId: string, except?: string): AsyncIterable<readonly string[]>;
  /**
   * {@link SessionStore.trimOwner}: the ids that each step ended. Between steps more than `max`
   * sessions are left.
   */
  trimOwner?(ownerId: string, trim: OwnerTrim): AsyncIterable<readonly string[]>;
  /** {@link SessionStore.sweep}: how many records each step removed. */
  sweep?(now: number): AsyncIterable<number>;
  /** {@link SessionStore.count}: how many records each step counted. */
  count?(): AsyncIterable<number>;
  /** {@link SessionStore.clear}: how many records each step removed. */
  clear?(): AsyncIterable<number>;
}

/**
 * A store of sessions: a key-value map with expiry and compare-and-swap. All that is subtle
 * (merging, rotation, deadlines, retries, schemas) lives in the library, once. These comments are
 * the specification, and `storeContract` of `token-sessions/testing` checks a store against them.
 *
 * Every verb rejects when the store cannot be reached or fails; the rejection's reason becomes the
 * `cause` of a `STORE_UNAVAILABLE` error. A verb is never called with an id that is not a UUID.
 * Verbs may be called concurrently and may be repeated after a failure whose outcome is unknown.
 *
 * `ttl` is the time in ms (an integer, at least 1) that the record still has by the library's
 * clock. A store may forget the record when that time has passed by its own clock, never before;
 * it may also still return it. The library decides by the record. A store without expiry of its
 * own needs a {@link sweep}.
 */
export interface SessionStore {
  /**
   * Adds a record. The only verb that creates.
   *
   * An id that exists is refused with `'exists'` and nothing is changed, unless the stored record
   * has the same version: then this is the same write again (its first answer was lost) and the
   * answer is `'inserted'`. A record that has passed its deadline but is still there may count as
   * existing.
   */
  insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'>;

  /**
   * The record with this id, every field as it was written last, or `null` where there is none.
   * Sees every write that has been answered before the call. Has no side effect: it neither renews
   * nor removes anything.
   *
   * A stored value that cannot be read as a record (another program's, or damaged) is reported by
   * rejecting with a `SessionError` `INVALID_DATA`, never as `null`. Verbs that answer many
   * records return it as a record that the library cannot read either: with its `id`, and an empty
   * text or `NaN` for each field that is not known. One bad record then does not spoil a list.
   */
  find(id: string): Promise<SessionRecord | null>;

  /**
   * Puts `record` in the place of the one with the same id, if that one's version is
   * `expectedVersion`, in one atomic step: of two concurrent calls with the same `expectedVersion`
   * one is answered `'replaced'`.
   *
   * `'gone'`: there is no record with this id; nothing is written. Never inserts. `'conflict'`:
   * the version is another one; nothing is written. The new `ttl` takes the place of the old,
   * whether longer or shorter.
   *
   * Where the record has an `ownerId` and the stored one has none, the session belongs to that
   * owner from now on: every verb for owners that begins after the answer sees it.
   */
  replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'>;

  /**
   * Removes the record with this id, whatever its version. Answers whether it was there; deleting
   * what is missing is a no-op. Once answered, no `find` returns the record and no `replace`
   * brings it back.
   */
  delete(id: string): Promise<boolean>;

  /**
   * {@link replace} without the body: gives the record with this id the `version`, the `expiresAt`
   * and the `ttl` given here, if its version is `expectedVersion`. Everything else stays as it is
   * stored; the library passes what it has read. A store has this verb where it saves work:
   * without it, the library writes the whole record.
   */
  touch?(record: TouchedRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'>;

  /**
   * All records of this owner in any order; an empty array for an unknown one. Sees every insert
   * that was answered before the call. May contain records past their deadline, never one that was
   * deleted before the call.
   */
  listByOwner?(ownerId: string): Promise<SessionRecord[]>;

  /**
   * Removes all records of this owner except the one with the id `except`. Answers the ids that it
   * removed. A record whose insert was answered before the call is removed.
   */
  deleteByOwner?(ownerId: string, except?: string): Promise<string[]>;

  /**
   * {@link insert} with a limit on the owner's sessions, exact under concurrency: when the calls
   * under way have been answered, at most `max` sessions exist that were handed out. The record
   * always has an owner. With `'evict-oldest'` those with the earliest `createdAt` (ties: the
   * lower id) are removed, never the new one; with `'deny'` nothing is inserted and the outcome is
   * `'limit-reached'`.
   */
  insertWithin?(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert>;

  /**
   * Ends the owner's oldest live sessions (by `createdAt`, ties: the lower id) until at most `max`
   * are left, and answers the ids that it ended. Exact under concurrency: when all calls under way
   * have been answered, at most `max` of the sessions that were inserted before those calls are
   * left, and no call has ended more than it had to.
   */
  trimOwner?(ownerId: string, trim: OwnerTrim): Promise<string[]>;

  /**
   * {@link find} for many ids in as few round trips as the store can; the answer has the order of
   * `ids`.
   */
  findMany?(ids: readonly string[]): Promise<(SessionRecord | null)[]>;

  /**
   * Removes records whose `expiresAt` is not later than `now` (ms since the epoch). Answers how
   * many it removed.
   */
  sweep?(now: number): Promise<number>;

  /** How many records there are; those past their deadline may count until they are swept. */
  count?(): Promise<number>;

  /** Removes every record of this store, and nothing else. */
  clear?(): Promise<void>;

  /** The verbs that walk through many records, in steps. */
  readonly steps?: StoreSteps;

  /**
   * Reports ended sessions to the listener, whatever ended them: deleted here or by another
   * process, also by {@link deleteByOwner}, eviction and {@link clear}. Resolves when every end
   * from now on will be reported, to a function that stops the notifications.
   */
  subscribe?(listener: StoreListener): Promise<() => Promise<void>>;

  /**
   * Reports what an operator should know and no single call shows, such as a server that may evict
   * sessions: one line of text, at most once for each problem, to every listener. Called once by
   * each `createSessions`.
   */
  onWarning?(listener: (message: string) => void): void;

  /**
   * `false` for a store that cannot compare and swap in one step (an adapter to a foreign store):
   * updates of different processes may be lost, and the library says so once through the logger.
   */
  readonly atomic?: false;
}
