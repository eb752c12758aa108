import { joinTabs, type Message } from './tabs.js';
import { isSameSession } from './token.js';
import type { Held, SessionChange } from './types.js';
import type { Vault } from './vault.js';

type Reason = SessionChange['reason'];

/** The token of this tab. */
export interface HeldToken {
  /** What the listeners know. */
  known(): Held;
  /** The newest, also where another tab has just written it. */
  newest(): Held;
  /** Whether the application has set another token than this one, in any tab. */
  isRenewed(token: Held): boolean;
  /** Resolves when a storage that answers with promises has been read. */
  readonly ready: unknown;
  /** The application says what holds now. */
  choose(to: string | null): Promise<void>;
  /** The answer to a request that was sent with `from` says what holds now. */
  replace(from: Held, to: string | null, reason?: Reason): void;
  subscribe(listener: (change: SessionChange) => void): () => void;
}

/**
 * Keeps the token, its copy in the storage and the other tabs in step.
 *
 * Browsers run tabs in processes of their own, which see each other's writes to the storage some milliseconds late and have no
 * compare-and-swap: a late answer may overwrite a newer token or a login there. So each tab says what its change was based on, and the tab
 * that made the newer change writes it again.
 */
/** @param place tells it from others, for messages between tabs */
export function holdToken(vault: Vault, place: string, usesCookie: boolean): HeldToken {
  const listeners = new Set<(change: SessionChange) => void>();
  let known: Held;
  /** What the application has set last, in any tab. */
  let chosen: Held;
  /** The last message: why a change was made that the storage shows. */
  let told: Message | undefined;
  /** What this tab knows is a change of its own. */
  let isOwn = false;
  /** Until then, what the storage shows is older than what this tab knows. */
  let repairUntil = 0;

  const change = (to: Held, reason?: Reason): void => {
    const type = !to ? 'ended' : isSameSession(known, to) ? 'rotated' : 'started';
    if (known === to) return;
    known = to;
    for (const listener of [...listeners]) {
      try {
        listener(reason ? { type, reason } : { type });
      } catch (error) {
        console.error(error);
      }
    }
  };
  const isRepairing = (): boolean => Date.now() < repairUntil;
  const newest = (): Held => vault.peek(known);
  /** The storage says what holds, unless this tab knows better. */
  const look = (): void => {
    const stored = newest();
    if (stored === known) return;
    if (isRepairing()) vault.save(known);
    else {
      isOwn = false;
      change(stored, told?.[1] === stored ? told?.[3] : undefined);
    }
  };
  const receive = (message: Message): void => {
    const [from, to, isChosen, reason] = message;
    told = message;
    if (isChosen) chosen = to;
    if (vault.isShared()) {
      if (isChosen || known === from) {
        if (isRepairing()) vault.save(to);
        repairUntil = 0;
        // A late answer: what it overwrites may take a moment to show in the storage.
      } else if (isOwn && known !== to) repairUntil = Date.now() + 1_000;
      look();
    } else if (isChosen ? usesCookie || isSameSession(known, to ?? from) : known === from) {
      vault.save(to);
      change(to, reason);
    }
  };
  const make = (to: string | null, isChosen: boolean, reason: Reason): Promise<void> => {
    const from = newest();
    const saved = vault.save(to);
    isOwn = true;
    repairUntil = 0;
    if (isChosen) chosen = to;
    post?.([from, to, isChosen, reason]);
    change(to, reason);
    return saved;
  };
  const post = vault.isForTabs ? joinTabs(place, receive, look) : undefined;
  const ready = vault.load((stored) => {
    if (known === undefined && !vault.isServer) change(stored);
  });

  return {
    known: () => known,
    newest,
    isRenewed: (token) => token !== chosen && newest() === chosen,
    ready,
    choose: (to) => make(to, true, to ? undefined : 'logout'),
    replace(from, to, reason) {
      // A login that was answered in a header is one like any other.
      if (from !== to && newest() === from) make(to, !!to && !isSameSession(from, to), reason);
    },
    subscribe(listener) {
      const own = (each: SessionChange): void => listener(each);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
