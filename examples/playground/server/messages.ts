import type { SessionEvents, SessionRecord } from 'token-sessions';

/** Types alone: the page imports them as well. */

/** A session as the store has it, and a name for people to know it by. */
export interface StoredRecord extends SessionRecord {
  readonly device: string;
}

/** One of the library's events. */
export interface LibraryEvent {
  readonly at: number;
  readonly name: keyof SessionEvents;
  readonly id: string;
  readonly device: string;
  readonly reason: string;
}

/** A message that shows the inside of the server. */
export type ObserverMessage =
  | { readonly type: 'event'; readonly event: LibraryEvent }
  | {
      readonly type: 'store';
      readonly isAway: boolean;
      readonly reads: number;
      readonly writes: number;
      readonly records: readonly StoredRecord[];
    };
