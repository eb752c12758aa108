import { SessionError, withoutStack } from '../error.js';
import { decodeRecord } from '../record/codec.js';
import { effectiveDeadline } from '../record/deadline.js';
import type { SessionState } from '../record/state.js';
import type { SessionRecord } from '../store.js';
import type { GuardedStore } from './guarded-store.js';
import type { Settings } from './settings.js';
import { StoreSubscription } from './store-subscription.js';
import { clearQuietly, unref } from './timers.js';
import { type EndReason, newWatched, type Watched, type Watcher } from './watched.js';

/** How many sessions are looked up in one round trip. */
const BATCH = 500;
/** How many ends this process remembers, for calls that go on after their session was ended. */
const REMEMBERED_ENDS = 4_096;

/**
 * Watches sessions for their end. It costs nothing until a session is watched. Then it opens the
 * store's notifications. Because notifications can be lost, it also looks up all watched sessions
 * at every recheck interval.
 *
 * A watcher is registered first. Its session is looked up later, when the notifications flow. So
 * no end is missed in between.
 */
export class LiveSessions {
  readonly #store: GuardedStore;
  readonly #settings: Settings;
  readonly #watched = new Map<string, Watched>();
  /**
   * Ends that this process is causing. The store's notifications of them do not carry a reason.
   */
  readonly #expected = new Map<string, EndReason>();
  readonly #ended = new Set<string>();
  #unchecked = new Set<string>();
  #checking = false;
  #recheckTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #notifications: StoreSubscription;

  constructor(store: GuardedStore, settings: Settings) {
    this.#store = store;
    this.#settings = settings;
    this.#notifications = new StoreSubscription(store, settings, {
      ended: (ids) => this.#endAll(ids),
      gap: () => this.#checkAll(),
      failed: () => this.#checkSoon(),
    });
  }

  /** How many sessions are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /**
   * Calls the watcher when the session ends, or if it has already ended. Returns a function that
   * removes the watcher. `latest` is the session's absolute deadline: it ends then even in an
   * outage.
   */
  watch(id: string, watcher: Watcher, latest = Number.POSITIVE_INFINITY): () => void {
    const watched = this.#watched.get(id) ?? newWatched(latest);
    watched.watchers.add(watcher);
    watched.waiting.push(watcher);
    this.#watched.set(id, watched);
    this.#unchecked.add(id);
    this.#armDeadline(id, watched, watched.latest);
    this.#start();
    return () => {
      if (watched.over || !watched.watchers.delete(watcher) || watched.watchers.size > 0) return;
      this.#forget(id, watched);
    };
  }

  /** Notes why this process is about to end a session. The returned function removes the note. */
  expect(id: string, reason: EndReason): () => void {
    this.#expected.set(id, reason);
    return () => void this.#expected.delete(id);
  }

  /** Notes that a session has ended, and calls its watchers. */
  end(id: string, reason: EndReason = this.#expected.get(id) ?? 'destroyed'): void {
    this.#remember(id);
    const watched = this.#watched.get(id);
    if (!watched) return;
    this.#forget(id, watched);
    const error = withoutStack(() => new SessionError('SESSION_GONE', `the session has ended: ${reason}`));
    for (const { ended } of watched.watchers) ended(error);
  }

  /** Ends the streams of other epochs, after an immediate rotation has ended their tokens. */
  endOtherEpochs(id: string, epoch: string | undefined): void {
    const watched = this.#watched.get(id);
    if (watched) this.#endOtherEpochs(id, watched, epoch, watched.watchers);
  }

  /** Forgets the end of an earlier session with the same id, because a new session begins. */
  begin(id: string): void {
    this.#ended.delete(id);
  }

  /** Whether this process knows that the session has ended: recently, or while it was watched. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /**
   * Stops watching everything. Watchers are not called. It waits only for `storeTimeout`. If the
   * store opens notifications after that, they are closed then.
   */
  async close(): Promise<void> {
    for (const [id, watched] of this.#watched) this.#forget(id, watched);
    await this.#notifications.settled();
  }

  #remember(id: string): void {
    this.#ended.delete(id);
    this.#ended.add(id);
    if (this.#ended.size <= REMEMBERED_ENDS) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  #forget(id: string, watched: Watched): void {
    watched.over = true;
    clearQuietly(watched.timer);
    this.#watched.delete(id);
    this.#unchecked.delete(id);
    if (this.#watched.size > 0) return;
    clearQuietly(this.#recheckTimer);
    this.#recheckTimer = undefined;
    this.#notifications.close();
  }

  #start(): void {
    if (!this.#recheckTimer) this.#scheduleRecheck();
    this.#notifications.open();
    // While the notifications are being opened, the look-up waits: it must come after.
    if (!this.#notifications.switching) this.#checkSoon();
  }

  #endAll(ids: readonly string[]): void {
    for (const id of ids) this.end(id);
  }

  #checkAll(): void {
    for (const [id, watched] of this.#watched) {
      watched.waiting = [...watched.watchers];
      this.#unchecked.add(id);
    }
    this.#checkSoon();
  }

  /** Looks up the sessions that wait for a check, many at once. */
  #checkSoon(): void {
    if (this.#checking) return;
    this.#checking = true;
    queueMicrotask(() => {
      this.#checkAllWaiting().finally(() => {
        this.#checking = false;
        // Some may have been added after the last look-up.
        if (this.#unchecked.size > 0) this.#checkSoon();
      });
    });
  }

  async #checkAllWaiting(): Promise<void> {
    while (this.#unchecked.size > 0) {
      const ids = takeFrom(this.#unchecked, BATCH);
      const waiting = ids.map((id) => this.#watched.get(id)?.waiting.splice(0));
      try {
        const records = await this.#store.findMany(ids);
        for (const [index, id] of ids.entries()) this.#settle(id, records[index], waiting[index]);
      } catch {
        // The store is unavailable, which its own report shows. The next recheck tries again.
        // Until then only the absolute deadline can end a session.
        for (const id of ids) this.#endIfTooOld(id);
      }
    }
  }

  #settle(id: string, record: SessionRecord | null | undefined, waiting: readonly Watcher[] = []): void {
    const watched = this.#watched.get(id);
    if (!watched || record === undefined) return;
    if (record) this.#consider(id, watched, record, waiting);
    else this.end(id);
  }

  #consider(id: string, watched: Watched, record: SessionRecord, waiting: readonly Watcher[]): void {
    const state = stateOf(record);
    if (!state) {
      // An unreadable record is no reason to end its session. It may belong to a newer version.
      this.#endIfTooOld(id);
      return;
    }
    const deadline = effectiveDeadline(record, state, this.#settings.limits);
    if (this.#settings.now() >= deadline) {
      this.end(id, 'expired');
      return;
    }
    this.#armDeadline(id, watched, deadline);
    // Version 0.1.0 drops the epoch and the family when it writes. Then the epoch is unknown.
    if (state.tokens.family !== undefined) this.#endOtherEpochs(id, watched, state.tokens.epoch, waiting);
    for (const watcher of waiting) if (watched.watchers.has(watcher)) watcher.seen?.(record);
  }

  #endOtherEpochs(id: string, watched: Watched, current: string | undefined, among: Iterable<Watcher>): void {
    for (const watcher of among) {
      if (!watcher.isOf || watcher.isOf(current) || !watched.watchers.delete(watcher)) continue;
      watcher.ended(
        withoutStack(() => new SessionError('SESSION_GONE', 'the token that opened the stream was ended')),
      );
    }
    if (watched.watchers.size === 0 && !watched.over) this.#forget(id, watched);
  }

  #endIfTooOld(id: string): void {
    const watched = this.#watched.get(id);
    if (!watched) return;
    if (this.#settings.now() >= watched.latest) this.end(id, 'expired');
    else this.#armDeadline(id, watched, watched.latest);
  }

  /**
   * Looks a session up again at its deadline, because use may have moved the deadline. If it is
   * later than the next recheck, the recheck handles it.
   */
  #armDeadline(id: string, watched: Watched, deadline: number): void {
    clearQuietly(watched.timer);
    watched.timer = undefined;
    const left = deadline - this.#settings.now();
    if (left > this.#settings.recheckInterval) return;
    watched.timer = unref(
      setTimeout(() => {
        this.#unchecked.add(id);
        this.#checkSoon();
      }, left),
    );
  }

  #scheduleRecheck(): void {
    // A little early, by a random amount, so that processes that started together ask apart.
    const delay = this.#settings.recheckInterval * (0.8 + 0.15 * Math.random());
    this.#recheckTimer = unref(
      setTimeout(() => {
        this.#scheduleRecheck();
        this.#checkAll();
      }, delay),
    );
  }
}

function stateOf(record: SessionRecord): SessionState | undefined {
  try {
    return decodeRecord(record);
  } catch {
    return undefined;
  }
}

/** Takes at most `most` elements out of a set. */
function takeFrom(set: Set<string>, most: number): string[] {
  const taken: string[] = [];
  for (const each of set) {
    if (taken.length === most) break;
    taken.push(each);
    set.delete(each);
  }
  return taken;
}
