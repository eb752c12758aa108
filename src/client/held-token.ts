import { joinTabs, type Message } from './tabs.js';
import { isSameSession, publicId } from './token.js';
import type { Held, SessionChange } from './types.js';
import type { Vault } from './vault.js';

type Reason = SessionChange['reason'];

/** The token of this tab. */
export interface HeldToken {
  /** The public id of the session that the listeners know. */
  getSnapshot(): Held;
  /** The newest token, even if another tab has just written it. */
  newest(): Held;
  /**
   * The server refuses this token. Resolves when it is known whether it is the newest one, because
   * a message from another tab may be on its way.
   */
  refuse(token: Held): Promise<void>;
  /** Resolves when an asynchronous storage has been read. */
  readonly ready: unknown;
  /** The application sets the token, or `null`. */
  choose(to: string | null): Promise<void>;
  /** The answer to a request that was sent with `from` sets the token, or `null`. */
  replace(from: Held, to: string | null): void;
  subscribe(listener: (change: SessionChange) => void): () => void;
}

/**
 * Keeps the token, its copy in the storage, and the other tabs in step.
 *
 * Browsers run tabs in separate processes. A process sees writes of another to the storage some
 * milliseconds late, and there is no compare-and-swap. So a late answer may overwrite a newer
 * token or a login there. Therefore each tab reports what it has replaced, and a tab that knows a
 * newer token writes it again.
 *
 * All in one function, because minifiers shorten the names that its parts share: the client must
 * fit in 3 kB.
 *
 * @param place the name of this storage in messages between tabs
 */
export function holdToken(vault: Vault, place: string, usesCookie: boolean): HeldToken {
  const listeners = new Set<(change: SessionChange) => void>();
  /**
   * Values that late answers may bring back: replaced tokens, the ids of earlier sessions, and
   * `null` after a refusal.
   */
  const gone = new Set<Held>();
  let known: Held;
  /** Whether the storage has shown this tab's token. A different value after that is newer. */
  let isSeen = true;
  /** How often this tab has written its token again since the session began or ended. */
  let repairs = 0;

  const change = (to: Held, reason?: Reason): void => {
    const type = !to ? 'ended' : isSameSession(known, to) ? 'rotated' : 'started';
    if (known === to) return;
    if (type === 'rotated') gone.add(known);
    else {
      repairs = 0;
      if (known) gone.add(publicId(known));
    }
    gone.delete(to);
    gone.delete(publicId(to));
    known = to;
    for (const listener of listeners) {
      try {
        listener(reason ? { type, reason } : { type });
      } catch (error) {
        console.error(error);
      }
    }
  };
  const isStale = (stored: Held): boolean => gone.has(stored) || gone.has(publicId(stored));
  const newest = (): Held => {
    const stored = vault.peek(known);
    isSeen ||= stored === known;
    return isSeen && !isStale(stored) ? stored : known;
  };
  /**
   * Handles a sign that the storage has changed. A message holds more information, so it gets time
   * to come first. Late writes are repaired next, and only then does the tab trust the storage.
   */
  const hint = (): void => {
    const before = known;
    const stored = vault.peek(known);
    const look = (): void => {
      if (before !== known || stored !== vault.peek(known)) return;
      // Each of the other tabs may write late. But two tabs must not correct each other forever.
      if (!isStale(stored) || repairs++ > 7) change(stored);
      else {
        gone.delete(stored);
        vault.save(known);
      }
    };
    setTimeout(look, isStale(stored) ? 50 : 250);
  };
  const receive = ([from, to, reason]: Message): void => {
    const isRotation = isSameSession(from, to);
    const isShared = vault.isShared();
    if (isRotation) gone.add(from);
    if (known === to) return;
    const isNews = to
      ? isSameSession(known, to) || ((isShared || usesCookie) && !(isRotation && gone.has(publicId(to))))
      : reason === 'refused'
        ? known === from
        : isSameSession(known, from);
    if (isNews && !(to && gone.has(to))) {
      if (!isShared) vault.save(to);
      isSeen = false;
      change(to, reason);
    } else if (isShared) gone.add(to);
    if (reason === 'refused') gone.add(to);
  };
  const make = (to: string | null, reason: Reason = to ? undefined : 'logout'): Promise<void> | undefined => {
    const from = newest();
    // A change that another tab has just made comes first.
    change(from);
    const saved = from === to ? undefined : vault.save(to);
    if (saved) post?.([from, to, reason]);
    change(to, reason);
    return saved;
  };
  const post = vault.tabs ? joinTabs(place, receive, hint) : undefined;
  const ready = vault.load((stored) => {
    if (known === undefined && !vault.isServer) change(stored);
  });

  return {
    getSnapshot: () => publicId(known),
    newest,
    ready,
    async refuse(token) {
      if (post && newest() === token) await new Promise((resolve) => setTimeout(resolve, 100));
      if (newest() === token) make(null, 'refused');
    },
    async choose(to) {
      // This may be the answer to a rotation that came too late: another tab has rotated again, or
      // has begun another session.
      const isBehind =
        newest() !== known && (to === known || (isSameSession(known, to) && !isSameSession(newest(), to)));
      const isLate = isBehind || (to && gone.has(to));
      if (!isLate) await make(to);
    },
    replace(from, to) {
      if (newest() === from) make(to);
      // The answer to a rotation came too late. If the application calls `set` with it, ignore
      // that too.
      else if (newest() !== to && isSameSession(from, to)) gone.add(to);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
