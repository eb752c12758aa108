import type { EndListener } from '../kernel/watched.js';
import { FollowingSignal } from './following-signal.js';
import type { HeldSession } from './held-session.js';
import type { Loaded } from './request.js';
import { CallSession, type Grant, type SessionOwner } from './session.js';

/** The session that a call acts for, and the rights that the call has in it. */
export interface Acting {
  readonly held: HeldSession | null;
  readonly grant: Grant;
  readonly session: CallSession<unknown> | null;
}

const ANONYMOUS: Acting = { held: null, grant: { replaced: false, authenticatedAt: 0 }, session: null };

/**
 * The session that a call acts for, the call's draft of it, and the listeners that wait for its
 * end.
 */
export class ActingSession {
  readonly #owner: SessionOwner;
  #now = ANONYMOUS;
  /** Called when the call switches to another session, or to none. */
  onChange: (() => void) | undefined;
  /** The epoch of the token by which the call uses the session. */
  #epoch: string | undefined;
  /**
   * How many of the call's own rotations are running. The epoch of the token that each will make
   * is not known yet.
   */
  #rotations = 0;
  /** The session that the call itself is ending. */
  #ending: HeldSession | null = null;
  #listeners: Map<EndListener, () => void> | undefined;
  #signal: FollowingSignal | undefined;

  constructor(owner: SessionOwner) {
    this.#owner = owner;
  }

  get now(): Acting {
    return this.#now;
  }

  get held(): HeldSession | null {
    return this.#now.held;
  }

  /** The session object, if {@link open} has made it. */
  get session(): CallSession<unknown> | null {
    return this.#now.session;
  }

  /** Aborts when the session that the call acts for at that moment ends. */
  get signal(): AbortSignal {
    this.#signal ??= new FollowingSignal();
    if (this.held) this.#signal.follow(this.held);
    return this.#signal.signal;
  }

  /** Makes the session object. Returns `null` when the call has no session. */
  open(): CallSession<unknown> | null {
    const { held, grant, session } = this.#now;
    if (!held || session) return session;
    const made = new CallSession<unknown>(held, this.#owner, grant);
    this.#now = { held, grant, session: made };
    return made;
  }

  /** Sets the session when the call begins, or when it looks its session up again. */
  begin(loaded: Loaded | null): void {
    this.#now = loaded ? { held: loaded.held, grant: loaded.grant, session: null } : ANONYMOUS;
    this.#epoch = loaded?.held.snapshot.state.tokens.epoch;
  }

  /** Switches the call to another session. The previous session object then refuses its data. */
  change(to: Acting | null): void {
    this.#now.session?.retire(true);
    this.#now = to ?? ANONYMOUS;
    if (this.held) this.#signal?.follow(this.held);
    for (const [listener, stop] of this.#listeners ?? []) {
      stop();
      this.#watch(listener);
    }
    this.onChange?.();
  }

  /** Undoes a change. */
  restore(before: Acting): void {
    this.change(before);
    // The session that is removed again must not end the call's own streams.
    this.#signal?.follow(before.held);
    before.session?.retire(false);
  }

  /** Marks the session that the call itself is ending, so that its listeners are not called. */
  isEnding(held: HeldSession | null): void {
    this.#ending = held;
  }

  /**
   * Counts a rotation by this call, or by a call that runs in it: 1 when it begins, -1 when it is
   * over. While one runs, no recheck ends the call's own streams.
   */
  rotating(by: 1 | -1): void {
    this.#rotations += by;
  }

  /** From now on, the call uses a token of this epoch. */
  goBy(epoch: string | undefined): void {
    this.#epoch = epoch;
  }

  /**
   * Calls the listener when the session ends, unless the call itself ends it. Returns a function
   * that removes the listener.
   */
  watchEnd(listener: EndListener): () => void {
    this.#watch(listener);
    return () => {
      this.#listeners?.get(listener)?.();
      this.#listeners?.delete(listener);
    };
  }

  /** Whether something has read a signal of the call, or of its session. */
  get hasSignal(): boolean {
    return this.#signal !== undefined || this.session?.hasSignal === true;
  }

  /** Lets go of the call's signals when it is over, or not if it goes on as a stream. */
  release(isOver: boolean): void {
    this.session?.releaseSignal(isOver);
    this.#signal?.release(isOver);
  }

  #watch(listener: EndListener): void {
    const { held } = this;
    const stop = held?.follow(
      (reason) => {
        if (this.#ending !== held) listener(reason);
      },
      (epoch) => this.#rotations > 0 || epoch === this.#epoch,
    );
    this.#listeners ??= new Map();
    this.#listeners.set(listener, stop ?? noop);
  }
}

/** Lets the call that created a session act for it. */
export function asCreator(held: HeldSession, session: CallSession<unknown> | null = null): Acting {
  return { held, grant: creatorsGrant(held), session };
}

export function creatorsGrant({ snapshot }: HeldSession): Grant {
  return { replaced: false, authenticatedAt: snapshot.state.authenticatedAt };
}

function noop(): void {}
