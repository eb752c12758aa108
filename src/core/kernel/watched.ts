import type { SessionError } from '../error.js';
import type { SessionRecord } from '../store.js';

/** How a session ended. `'destroyed'` includes an end by another process. */
export type EndReason = 'destroyed' | 'replaced' | 'reuse' | 'evicted' | 'expired';

/** Called once, when the session ends. */
export type EndListener = (reason: SessionError) => void;

/** Something that watches a session until it ends. */
export interface Watcher {
  readonly ended: EndListener;
  /** Called with each record that a recheck has read. */
  readonly seen?: ((record: SessionRecord) => void) | undefined;
  /**
   * For a stream: whether a token of this epoch keeps it open (see `TokenState`). The stream ends
   * with the token that opened it.
   */
  readonly isOf?: ((epoch: string | undefined) => boolean) | undefined;
}

/** A session that is watched. */
export interface Watched {
  readonly watchers: Set<Watcher>;
  /** Those that the next look-up is for. One for a new watcher must not visit all the others. */
  waiting: Watcher[];
  /** The session's absolute deadline, in ms since the epoch. It is known without the store. */
  readonly latest: number;
  /** Fires at the session's deadline, if that comes before the next recheck. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether watching has stopped, because the session has ended or the last watcher has left. */
  over: boolean;
}

export function newWatched(latest: number): Watched {
  return { watchers: new Set(), waiting: [], latest, timer: undefined, over: false };
}
