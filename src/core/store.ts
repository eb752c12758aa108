/**
 * What a store keeps for a session. Only {@link SessionRecord.id | id}, {@link SessionRecord.version | version},
 * {@link SessionRecord.ownerId | ownerId} and the two times mean something to a store; the body is opaque.
 * A record holds no credential: only the SHA-256 of a token's secret is in the body.
 */
export interface SessionRecord {
  /** A UUIDv7 in lower case, 36 characters of `[0-9a-f-]`. Public: it may be logged and shown. */
  readonly id: string;
  /** A fresh random text for each write, at most 64 characters of `[A-Za-z0-9_-]`. Two writes never share one. */
  readonly version: string;
  /** The account that the session belongs to: any non-empty text. Never changes. Absent for a session that has no owner. */
  readonly ownerId?: string;
  /** When the session was created, in ms since the epoch by the library's clock. Never changes. */
  readonly createdAt: number;
  /** When the session ends unless it is used, in ms since the epoch by the library's clock. At most 8.64e15. */
  readonly expiresAt: number;
  /** Opaque well-formed text: JSON, in which `U+0000` and lone surrogates are escaped. To be given back as it is, to the character. */
  readonly body: string;
}

/** What {@link SessionStore.subscribe} tells of. */
export interface StoreListener {
  /** These sessions have ended. Told at most once for each, perhaps never: notifications can be lost. */
  ended(ids: readonly string[]): void;
  /** Something may have been missed (a reconnect): everything that is live has to be checked again. */
  gap(): void;
}

/** A limit on the sessions of one owner, for {@link SessionStore.insertWithin}. */
export interface OwnerLimit {
  /** The most sessions that one owner may have, at least 1. */
  readonly max: number;
  /** `'evict-oldest'` ends the sessions created first to make room; `'deny'` refuses the new one. */
  readonly onLimit: 'evict-oldest' | 'deny';
  /** The id of the session that the new one replaces: it does not count and is not evicted. */
  readonly replaces?: string;
  /** The time by the library's clock, in ms since the epoch: sessions whose `expiresAt` is not later do not count. */
  readonly now: number;
}

/** How {@link SessionStore.trimOwner} makes room. */
export interface OwnerTrim {
  /** The most sessions that the owner keeps, at least 1. */
  readonly max: number;
  /** The time by the library's clock, in ms since the epoch: sessions whose `expiresAt` is not later do not count. */
  readonly now: number;
  /** The id of the session that just took effect: it counts, and is never ended here. */
  readonly keep: string;
  /** The id of the session that it replaces, which the library ends by itself: it does not count. */
  readonly ignore?: string;
}

/** The answer of {@link SessionStore.insertWithin}. */
export interface LimitedInsert {
  readonly outcome: 'inserted' | 'exists' | 'limit-reached';
  /** The ids of the sessions that were ended to make room. */
  readonly evicted: readonly string[];
}

/**
 * A store of sessions: a key-value map with expiry and compare-and-swap. All that is subtle (merging, rotation,
 * deadlines, retries, schemas) lives in the library, once. These comments are the specification, and `storeContract`
 * of `token-sessions/testing` checks a store against them.
 *
 * Every verb rejects when the store cannot be reached or fails; the rejection's reason becomes the `cause` of a
 * `STORE_UNAVAILABLE` error. A verb is never called with an id that is not a UUID. Verbs may be called concurrently and
 * may be repeated after a failure whose outcome is unknown.
 *
 * `ttl` is the time in ms (an integer, at least 1) that the record still has by the library's clock. A store may forget
 * the record when that time has passed by its own clock, never before; it may also still return it. The library decides by the
 * record. A store without expiry of its own needs a {@link sweep}.
 */
export interface SessionStore {
  /**
   * Adds a record. The only verb that creates.
   *
   * An id that exists is refused with `'exists'` and nothing is changed, unless the stored record has the same version: then this
   * is the same write again (its first answer was lost) and the answer is `'inserted'`. A record that has passed its
   * deadline but is still there may count as existing.
   */
  insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'>;

  /**
   * The record with this id, every field as it was written last, or `null` where there is none. Sees every write that has
   * been answered before the call. Has no side effect: it neither renews nor removes anything.
   *
   * A stored value that cannot be read as a record (another program's, or damaged) is reported by rejecting with a
   * `SessionError` `INVALID_DATA`, never as `null`.
   */
  find(id: string): Promise<SessionRecord | null>;

  /**
   * Puts `record` in the place of the one with the same id, if that one's version is `expectedVersion`, in one atomic step: of
   * two concurrent calls with the same `expectedVersion` one is answered `'replaced'`.
   *
   * `'gone'`: there is no record with this id; nothing is written. Never inserts. `'conflict'`: the version is another one;
   * nothing is written. The new `ttl` takes the place of the old, whether longer or shorter.
   */
  replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'>;

  /**
   * Removes the record with this id, whatever its version. Answers whether it was there; deleting what is missing is a no-op. Once
   * answered, no `find` returns the record and no `replace` brings it back.
   */
  delete(id: string): Promise<boolean>;

  /**
   * All records of this owner in any order; an empty array for an unknown one. Sees every insert that was answered before
   * the call. May contain records past their deadline, never one that was deleted before the call.
   */
  listByOwner?(ownerId: string): Promise<SessionRecord[]>;

  /**
   * Removes all records of this owner except the one with the id `except`. Answers the ids that it removed. A record whose
   * insert was answered before the call is removed.
   */
  deleteByOwner?(ownerId: string, except?: string): Promise<string[]>;

  /**
   * {@link insert} with a limit on the owner's sessions, exact under concurrency: when the calls under way have been answered,
   * at most `max` sessions exist that were handed out. The record always has an owner. With `'evict-oldest'` those with the
   * earliest `createdAt` (ties: the lower id) are removed, never the new one; with `'deny'` nothing is inserted and the outcome is `'limit-reached'`.
   */
  insertWithin?(record: SessionRecord, ttl: number, limit: OwnerLimit): Promise<LimitedInsert>;

  /**
   * Ends the owner's oldest live sessions (the earliest `createdAt`; ties: the lower id) until at most `max` are left, in one
   * atomic step. Answers the ids of those that it ended. Used when a session that was added by {@link insert} takes effect.
   */
  trimOwner?(ownerId: string, trim: OwnerTrim): Promise<string[]>;

  /** {@link find} for many ids in as few round trips as the store can; the answer has the order of `ids`. */
  findMany?(ids: readonly string[]): Promise<(SessionRecord | null)[]>;

  /** Removes records whose `expiresAt` is not later than `now` (ms since the epoch). Answers how many it removed. */
  sweep?(now: number): Promise<number>;

  /** How many records there are; those past their deadline may count until they are swept. */
  count?(): Promise<number>;

  /** Removes every record of this store, and nothing else. */
  clear?(): Promise<void>;

  /**
   * Tells the listener of ended sessions, whoever ended them: deleted here or by another process, also by
   * {@link deleteByOwner}, eviction and {@link clear}. Resolves once everything that ends from now on will be told; what
   * it resolves to stops the notifications.
   */
  subscribe?(listener: StoreListener): Promise<() => Promise<void>>;

  /**
   * `false` for a store that cannot compare and swap in one step (an adapter to a foreign store): updates of different
   * processes may be lost, and the library says so once through the logger.
   */
  readonly atomic?: false;
}
