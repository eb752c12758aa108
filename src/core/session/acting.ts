import type { EndListener } from '../kernel/live-sessions.js';
import { FollowingSignal } from './following-signal.js';
import type { HeldSession } from './held-session.js';
import type { Loaded } from './request.js';
import { CallSession, type Grant, type SessionOwner } from './session.js';

/** The session that a call acts for, and its rights. */
export interface Acting {
  readonly held: HeldSession | null;
  readonly grant: Grant;
  readonly session: CallSession<unknown> | null;
}

const NOBODY: Acting = { held: null, grant: { replaced: false, authenticatedAt: 0 }, session: null };

/** The session that a call acts for, the call's draft of it, and the listeners of its end. */
export class ActingSession {
  readonly #owner: SessionOwner;
  #now = NOBODY;
  /** Called when the call goes on with another session, or none. */
  onChange: (() => void) | undefined;
  /** The epoch of the token by which the call uses the session. */
  #epoch: string | undefined;
  /**
   * How many rotations of the call's own are under way. The epoch that each begins is not known
   * yet.
   */
  #rotations = 0;
  /** The session that the call itself ends. */
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

  /** The session object, if it was made. */
  get session(): CallSession<unknown> | null {
    return this.#now.session;
  }

  /** Aborts when the session ends, whichever it is by then. */
  get signal(): AbortSignal {
    this.#signal ??= new FollowingSignal();
    if (this.held) this.#signal.follow(this.held);
    return this.#signal.signal;
  }

  /** Makes the session object. `null` where there is no session. */
  open(): CallSession<unknown> | null {
    const { held, grant, session } = this.#now;
    if (!held || session) return session;
    const made = new CallSession<unknown>(held, { owner: this.#owner, grant });
    this.#now = { held, grant, session: made };
    return made;
  }

  /** The call begins, or looks its session up again. */
  begin(loaded: Loaded | null): void {
    this.#now = loaded ? { ...loaded, session: null } : NOBODY;
    this.#epoch = loaded?.held.snapshot.state.tokens.epoch;
  }

  /** The call goes on with another session. The object of the one before refuses its data. */
  change(to: Acting | null): void {
    this.#now.session?.retire(true);
    this.#now = to ?? NOBODY;
    if (this.held) this.#signal?.follow(this.held);
    for (const [listener, stop] of this.#listeners ?? []) {
      stop();
      this.#watch(listener);
    }
    this.onChange?.();
  }

  /** A change is undone. */
  restore(before: Acting): void {
    this.change(before);
    // The session that is taken back does not end the call's own.
    this.#signal?.follow(before.held);
    before.session?.retire(false);
  }

  /** The call itself ends this session: its listeners are not called. */
  isEnding(held: HeldSession | null): void {
    this.#ending = held;
  }

  /**
   * A rotation by the call, or by one that runs in it, begins (1) or is over (-1). Meanwhile no
   * recheck ends the call's own streams.
   */
  rotating(by: 1 | -1): void {
    this.#rotations += by;
  }

  /** The call goes by a token of this epoch from now on. */
  goBy(epoch: string | undefined): void {
    this.#epoch = epoch;
  }

  /**
   * Calls the listener when the session ends, unless the call ends it. Returns a function that
   * stops it.
   */
  watchEnd(listener: EndListener): () => void {
    this.#watch(listener);
    return () => {
      this.#listeners?.get(listener)?.();
      this.#listeners?.delete(listener);
    };
  }

  /** The call is over: signals are followed only for their listeners. */
  release(): void {
    this.session?.releaseSignal();
    this.#signal?.release();
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

/** What a new session grants to the call that created it. */
export function asCreator(held: HeldSession, session: CallSession<unknown> | null = null): Acting {
  return { held, grant: creatorsGrant(held), session };
}

export function creatorsGrant({ snapshot }: HeldSession): Grant {
  return { replaced: false, authenticatedAt: snapshot.state.authenticatedAt };
}

function noop(): void {}
