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
  /** Resolves when what other tabs have done is known here. */
  catchUp(): Promise<unknown>;
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
  /** Tokens that others have taken the place of. */
  const successors = new Map<Held, Held>();
  /** Tokens that came too late. */
  const late = new Set<Held>();
  let known: Held;
  /** What the application has set last, in any tab. */
  let chosen: Held;
  /** Until then, this tab has made the newest change: what else the storage shows are late writes of others. */
  let isOwnUntil = 0;
  /** The storage has shown what this tab knows: if it shows something else now, that is newer. */
  let isSeen = true;

  const change = (to: Held, reason?: Reason): void => {
    const type = !to ? 'ended' : isSameSession(known, to) ? 'rotated' : 'started';
    if (known === to) return;
    if (type === 'rotated') late.add(known);
    known = to;
    for (const listener of [...listeners]) {
      try {
        listener(reason ? { type, reason } : { type });
      } catch (error) {
        console.error(error);
      }
    }
  };
  const follow = (token: Held): Held => (successors.has(token) ? follow(successors.get(token)) : token);
  const note = (from: Held, to: Held): void => {
    // Never in a circle.
    if (isSameSession(from, to) && follow(from) !== follow(to)) successors.set(from, to);
  };
  const newest = (): Held => {
    const stored = vault.peek(known);
    isSeen ||= stored === known;
    return isSeen ? follow(stored) : known;
  };
  const isOwn = (): boolean => Date.now() < isOwnUntil;
  /** The storage says what holds, unless this tab knows better. */
  const look = (): void => {
    const stored = vault.peek(known);
    const next = post && isOwn() ? known : follow(stored);
    isSeen = true;
    if (next !== stored) vault.save(next);
    change(next);
  };
  /** A message says more than the storage does, and comes first. Then the tab looks whose change it was, and then the others. */
  const hint = (): void => {
    const before = known;
    const stored = vault.peek(known);
    setTimeout(() => before === known && stored === vault.peek(known) && look(), post ? (isOwn() ? 50 : 250) : 0);
  };
  const receive = ([from, to, isChosen, reason]: Message): void => {
    note(from, to);
    if (isChosen) chosen = to;
    const isShared = vault.isShared();
    const isNews = to
      ? isSameSession(known, to) || (!isSameSession(from, to) && (isShared || usesCookie))
      : reason === 'refused'
        ? known === from
        : isSameSession(known, from);
    const next = isNews ? follow(to) : known;
    if (next !== known) {
      if (!isShared) vault.save(next);
      isOwnUntil = 0;
    }
    if (known !== to) isSeen = false;
    change(next, reason);
  };
  const make = (to: string | null, isChosen: boolean, reason: Reason): Promise<void> => {
    const from = newest();
    const saved = vault.save(to);
    note(from, to);
    isSeen = true;
    isOwnUntil = Date.now() + 1_000;
    if (isChosen) chosen = to;
    post?.([from, to, isChosen, reason]);
    change(to, reason);
    return saved;
  };
  const post = vault.isForTabs ? joinTabs(place, receive, hint) : undefined;
  const ready = vault.load((stored) => {
    if (known === undefined && !vault.isServer) change(stored);
  });

  return {
    known: () => known,
    newest,
    isRenewed: (token) => token !== chosen && newest() === chosen,
    ready,
    catchUp: async () => vault.isForTabs && new Promise((resolve) => setTimeout(resolve, 100)),
    async choose(to) {
      // The answer to a rotation that came too late: another tab has gone on, or has begun another session.
      const isBehind = newest() !== known && (to === known || (isSameSession(known, to) && !isSameSession(newest(), to)));
      const isLate = isBehind || late.has(to) || successors.has(to);
      if (!isLate) await make(to, true, to ? undefined : 'logout');
    },
    replace(from, to, reason) {
      // A login that was answered in a header is one like any other.
      if (from !== to && newest() === from && (!known || known === from || isSameSession(known, from)))
        make(to, !!to && !isSameSession(from, to), reason);
      // A rotation whose answer comes too late, also if the application calls `set` with it.
      else if (newest() !== to && isSameSession(from, to)) late.add(to);
    },
    subscribe(listener) {
      const own = (each: SessionChange): void => listener(each);
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
