import { cloneJson } from '../data/json.js';
import { reveal } from '../data/schema.js';
import { gone } from '../error.js';
import { eventOf } from '../events.js';
import { isGone } from '../kernel/lifecycle.js';
import type { Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import type { NewSession, RotateOptions, Session, SessionInfo, SessionJson } from '../types.js';
import { Draft } from './draft.js';
import { type EndSignal, endSignal } from './end-signal.js';
import type { HeldSession } from './held-session.js';
import { type Rotated, rotate } from './rotate.js';

/** The call that a session object belongs to. It must learn of each change to its session. */
export interface SessionOwner {
  /** Ends the session for good. */
  destroy(held: HeldSession): Promise<boolean>;
  /** @throws when a source that is configured to write a token can no longer do so */
  assertWritable(): void;
  /** Runs a rotation. The sources that can write then write the new token to the response. */
  rotate(held: HeldSession, run: () => Promise<Rotated>): Promise<Rotated>;
}

/** The rights that the call's token gives it in the session. */
export interface Grant {
  /** Whether the call has only a replaced token, which is in its grace. */
  readonly replaced: boolean;
  readonly authenticatedAt: number;
  /** The tokens that earlier calls of the same connection received. */
  readonly given?: readonly Credential[];
}

const NONE: readonly Credential[] = [];

const serverOwner: SessionOwner = {
  async destroy(held) {
    const existed = await held.services.lifecycle.destroy(held.snapshot.record, 'destroyed');
    held.markEnded();
    return existed;
  },
  assertWritable: () => undefined,
  rotate: (_, run) => run(),
};

/** A session as one call sees it: the session that the request holds, and the call's own draft. */
export class CallSession<Data> implements Session<Data> {
  readonly #held: HeldSession;
  readonly #owner: SessionOwner;
  readonly #draft: Draft<Data>;
  /** The rights of this call. Other calls of the request may have different ones. */
  #grant: Grant | undefined;
  /** The tokens that this call received from its own rotations. */
  #given = NONE;
  #token: string | undefined;
  #signal: EndSignal | undefined;
  #isRetired = false;

  /**
   * @param owner the call; absent when the server itself uses the session
   * @param grant the call's rights; absent when the server itself uses the session
   */
  constructor(held: HeldSession, owner: SessionOwner = serverOwner, grant?: Grant, token?: string) {
    this.#held = held;
    this.#owner = owner;
    this.#grant = grant;
    this.#draft = new Draft<Data>(held);
    this.#token = token;
  }

  get id(): string {
    return this.#held.id;
  }

  get data(): Data {
    if (this.#isRetired) throw gone();
    return this.#draft.data;
  }

  set data(data: Data) {
    if (this.#isRetired) throw gone();
    this.#draft.data = data;
  }

  get token(): string | undefined {
    return this.#token;
  }

  get isNew(): boolean {
    return this.#held.isNew;
  }

  get createdAt(): number {
    return this.#held.snapshot.record.createdAt;
  }

  get lastActiveAt(): number {
    return this.#held.snapshot.state.lastActiveAt;
  }

  get authenticatedAt(): number {
    return this.#grant?.authenticatedAt ?? this.#held.snapshot.state.authenticatedAt;
  }

  get expiresAt(): number {
    return this.#held.snapshot.deadline;
  }

  get signal(): AbortSignal {
    const held = this.#held;
    this.#signal ??= endSignal((listener) => held.watch(listener));
    return this.#signal.signal;
  }

  /** Whether something has read the signal. */
  get hasSignal(): boolean {
    return this.#signal !== undefined;
  }

  /** See {@link EndSignal.release}. */
  releaseSignal(isOver: boolean): void {
    this.#signal?.release(isOver);
  }

  async save(): Promise<void> {
    this.#assertOwn();
    await this.#draft.save();
  }

  async update(change: (data: Data) => void): Promise<Data> {
    this.#assertOwn();
    return this.#draft.update(change);
  }

  async touch(): Promise<void> {
    this.#assertOwn();
    await this.#held.touch();
  }

  async reload(): Promise<void> {
    this.#assertOwn();
    await this.#held.reload();
    this.#draft.renew();
  }

  async rotate(options: RotateOptions = {}): Promise<string> {
    this.#assertOwn();
    this.#owner.assertWritable();
    const { credentials, services } = this.#held;
    const { given = [], replaced = false } = this.#grant ?? {};
    const holder = credentials && { credentials: [...credentials, ...given, ...this.#given], replaced };
    const { credential, authenticatedAt, epoch } = await this.#owner.rotate(this.#held, () =>
      rotate(this.#held, holder, options),
    );
    this.#given = [...this.#given, credential];
    if (this.#grant) this.#grant = { ...this.#grant, authenticatedAt };
    this.#token = credential.reveal(services.settings.tokenPrefix);
    // Only now: the call already uses the new token, so its own streams go on.
    if (options.immediate) services.live.endOtherEpochs(this.id, epoch);
    return this.#token;
  }

  async destroy(): Promise<void> {
    if (!this.#isRetired) await this.#owner.destroy(this.#held);
  }

  /** The draft, for the call. */
  get draft(): Draft<Data> {
    return this.#draft;
  }

  get held(): HeldSession {
    return this.#held;
  }

  /** Makes the object refuse its data, because the call has ended or replaced the session. */
  retire(isRetired: boolean): void {
    this.#isRetired = isRetired;
  }

  /**
   * Saves the changes of a call that succeeded. If the session has ended meanwhile, it emits
   * `gone`.
   */
  async autosave(save: (draft: Draft<Data>) => Promise<void>): Promise<void> {
    if (this.#isRetired || !this.#draft.isDirty) return;
    try {
      await save(this.#draft);
    } catch (error) {
      if (!isGone(error)) throw error;
      // A stream saves repeatedly. Dropping the change makes sure that it causes only one event.
      this.#draft.discard();
      this.#held.services.events.emit('gone', eventOf(this.#held.snapshot.record));
    }
  }

  /** For logs and clients: everything except the token. */
  toJSON(): SessionJson<Data> {
    const { id, isNew, createdAt, lastActiveAt, authenticatedAt, expiresAt } = this;
    // Printing the object of an ended session must not throw. Only its data is left out.
    const data = this.#isRetired ? (undefined as Data) : this.data;
    return { id, data, isNew, createdAt, lastActiveAt, authenticatedAt, expiresAt };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  #assertOwn(): void {
    if (this.#isRetired) throw gone();
  }
}

/** Narrows a session that was just created to the type that has a token. */
export function withToken<Data>(session: CallSession<Data>): NewSession<Data> {
  if (hasToken(session)) return session;
  throw new TypeError('a session without a token is not a new one');
}

function hasToken<Data>(session: CallSession<Data>): session is CallSession<Data> & NewSession<Data> {
  return session.token !== undefined;
}

/** Builds the entry that lists show for a session. */
export function sessionInfo<Data>({ record, state, data, deadline }: Snapshot): Omit<SessionInfo<Data>, 'isCurrent'> {
  return {
    id: record.id,
    createdAt: record.createdAt,
    lastActiveAt: state.lastActiveAt,
    expiresAt: deadline,
    data: reveal<Data>(cloneJson(data)),
  };
}
