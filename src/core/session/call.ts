/*
 * The class is in one file: its methods are short, and all work on the same identity and draft.
 * The parts with a state of their own are elsewhere, such as the identity, logins and root fields.
 */

import { isInvalid, SessionError } from '../error.js';
import type { EndListener } from '../kernel/watched.js';
import type { NewSession, Session } from '../types.js';
import { CallSessions } from './call-sessions.js';
import type { HeldSession } from './held-session.js';
import { Identity } from './identity.js';
import type { SessionRequest, Unreadable } from './request.js';
import { type Keep, RootFields } from './root-fields.js';
import type { Rotated } from './rotate.js';
import type { CallSession, SessionOwner } from './session.js';
import { UnreadableSession } from './unreadable-session.js';
import { reportUnsaved } from './unsaved.js';

/** How to open a call. */
export interface CallOptions {
  /**
   * Whether the adapter will report an outcome, with {@link Call.commit} or {@link Call.rollback}.
   * Without an outcome, a created session takes effect immediately, and changes are never saved.
   */
  readonly hasOutcome: boolean;
  /** The key under which an adapter finds the call again. */
  readonly key?: unknown;
  /** Whether later calls in the parent begin with a session that this call creates. */
  readonly sharesLogin?: boolean;
}

/**
 * A procedure call, an operation, an Express request or a context. It owns the session that it
 * acts for, and its draft of that session. Adapters open calls, give {@link Call.sessions} to the
 * user, and report the outcome.
 */
export class Call implements SessionOwner {
  readonly request: SessionRequest;
  readonly parent: Call | undefined;
  readonly key: unknown;
  /**
   * Belongs to the adapter that opened the call. Must be plain data, because another copy of the
   * package may read it.
   */
  details: unknown;
  /** The error with which a guard refused the call. Some hosts do not show it to their adapter. */
  refusal: unknown;
  readonly #identity: Identity;
  readonly #hasOutcome: boolean;
  readonly #isAnswered: boolean;
  /** Whether nothing in the call can have had an effect yet. See {@link start}. */
  isAtStart = false;
  /**
   * Whether the head of this call's answer is on its way. The request's head may still be open.
   */
  #isSealed = false;
  /** The `create` calls of this call. They run one after the other. */
  #creating: Promise<unknown> | undefined;
  #sessions: CallSessions<unknown> | undefined;
  #fields: RootFields | undefined;
  #unreadableSession: UnreadableSession | undefined;
  #leaveGate: (() => void) | undefined;

  /**
   * @param parent the call that this one runs in; absent for the outermost call
   * @param isAnswered whether the response answers this call
   */
  constructor(
    request: SessionRequest,
    options: CallOptions,
    parent?: Call,
    isAnswered = parent === undefined || !parent.#hasOutcome,
  ) {
    this.request = request;
    this.parent = parent;
    this.key = options.key;
    this.#identity = new Identity(this, request, options, parent ? parent.#identity : undefined);
    this.#hasOutcome = options.hasOutcome;
    this.#isAnswered = isAnswered;
  }

  /** The object that users get as `ctx.sessions`. */
  get sessions(): CallSessions<unknown> {
    this.#sessions ??= new CallSessions<unknown>(this);
    return this.#sessions;
  }

  /**
   * The session that the call acts for, with the call's draft. `null` when the caller is
   * anonymous, and before the session is loaded.
   */
  get session(): CallSession<unknown> | null {
    const { acting, isContext, held } = this.#identity;
    if (acting.session) return acting.session;
    // Without a guard, nothing refuses an ended session, so the context stops showing it.
    if (isContext && held?.isEnded) return null;
    const made = acting.open();
    if (made && !this.#hasOutcome) reportUnsaved(made, this.request.services);
    return made;
  }

  /**
   * The session that a guard admits, or `null` if it has ended meanwhile. {@link admit} describes
   * records that cannot be read.
   */
  get liveSession(): Session<unknown> | null {
    return this.held?.isRefused ? null : this.shownSession;
  }

  /** The session that users see. One that cannot be read throws for its data. */
  get shownSession(): Session<unknown> | null {
    return this.session ?? (this.unreadable ? (this.#unreadableSession ?? null) : null);
  }

  get held(): HeldSession | null {
    return this.#identity.held;
  }

  get signal(): AbortSignal {
    return this.#identity.acting.signal;
  }

  /** Whether something has read a signal of the call, or of its session. */
  get hasSignal(): boolean {
    return this.#identity.acting.hasSignal;
  }

  get isDirty(): boolean {
    return this.#identity.acting.session?.draft.isDirty ?? false;
  }

  /** Whether {@link commit} has something to do. */
  get isPending(): boolean {
    return this.isLoggingIn || this.isDirty || this.#rotates;
  }

  /** Whether the token is old enough that the answer to this call must carry a new one. */
  get #rotates(): boolean {
    return this.#isAnswered && this.request.isRotationDue;
  }

  /** See {@link CallOptions.sharesLogin}. */
  get sharesLogin(): boolean | undefined {
    return this.#identity.sharesLogin;
  }

  /** Whether the call has created a session that has not taken effect yet. */
  get hasLogin(): boolean {
    return this.#identity.hasLogin;
  }

  /** Whether the call has a login that has not taken effect yet, or is creating a session. */
  get isLoggingIn(): boolean {
    return this.hasLogin || this.#creating !== undefined;
  }

  get unreadable(): Unreadable | undefined {
    return this.#identity.unreadable;
  }

  /** The root fields, when the call is a GraphQL mutation. */
  get fields(): RootFields {
    this.#fields ??= new RootFields(this.#identity.acting, this.#identity.logins);
    return this.#fields;
  }

  /** Opens a call that runs in this one. */
  open(options: CallOptions): Call {
    return new Call(this.request, options, this);
  }

  /** Fixes the session that the call acts for. */
  load(): Promise<void> {
    return this.#identity.load();
  }

  /**
   * Loads the session for a guard. An unreadable record is not a logout: it gives an object whose
   * data throws, so that the client can still log in and log out.
   *
   * @param explain turns any other error into that of the host
   */
  admit(explain: (error: unknown) => unknown = same): Promise<Session<unknown> | null> {
    return this.load().then(
      () => this.session,
      (error) => this.#admitUnreadable(error, explain),
    );
  }

  #admitUnreadable(error: unknown, explain: (error: unknown) => unknown): UnreadableSession {
    const { unreadable } = this;
    if (!unreadable || !isInvalid(error)) throw explain(error);
    const isVerified = this.request.services.reader.wasDecoded(error);
    this.#unreadableSession = new UnreadableSession(this, unreadable.credential.id, error, isVerified);
    return this.#unreadableSession;
  }

  create(data: unknown): Promise<NewSession<unknown>> {
    const created = (this.#creating ?? Promise.resolve()).then(() => this.#create(data));
    const settled = created.then(noop, noop).then(() => {
      if (this.#creating === settled) this.#creating = undefined;
    });
    this.#creating = settled;
    return created;
  }

  destroy(held: HeldSession): Promise<boolean> {
    return this.#identity.destroy(held);
  }

  /** Ends the session of the request's credential, whose record could not be read. */
  destroyUnreadable(): Promise<boolean> {
    return this.#identity.destroyUnreadable();
  }

  /** Runs the body of the call. The body has no effect before it waits for something. */
  start<Result>(run: () => Result): Result {
    this.isAtStart = true;
    try {
      return run();
    } finally {
      this.isAtStart = false;
    }
  }

  /** Whether nothing of the call has run yet, so that a client may repeat the request. */
  get mayRepeat(): boolean {
    if (!this.isAtStart) return false;
    for (let call: Call | undefined = this; call; call = call.parent) if (call.isPending) return false;
    return true;
  }

  assertWritable(): void {
    let isSealed = false;
    for (let call: Call | undefined = this; call; call = call.parent) isSealed ||= call.#isSealed;
    this.request.head.assertWritable(isSealed);
  }

  /**
   * The answer to this call is on its way. If the call runs in another one, that one may still
   * write to the head.
   */
  seal(): void {
    this.#isSealed = true;
    if (!this.parent) this.request.head.seal();
  }

  rotate(held: HeldSession, run: () => Promise<Rotated>): Promise<Rotated> {
    return this.#identity.rotate(held, run);
  }

  /** Calls the listener when the call switches to another session, or to none. */
  onChange(listener: () => void): void {
    this.#identity.acting.onChange = listener;
  }

  /**
   * Calls the listener when the session ends, unless the call itself ends it. Returns a function
   * that removes the listener.
   */
  watchEnd(listener: EndListener): () => void {
    return this.#identity.acting.watchEnd(listener);
  }

  /** Makes the other calls of the batch wait with their writes until this one is done. */
  joinBatch(): void {
    this.#leaveGate ??= this.request.gate.enter();
  }

  leaveBatch(): void {
    this.#leaveGate?.();
  }

  /**
   * The call continues as a stream. From now on, a session that it creates takes effect
   * immediately, and its unchanged data follows the newest data.
   */
  stream(): void {
    this.#identity.isStream = true;
    this.#identity.isDone = false;
    this.#identity.acting.release(false);
    this.session?.draft.follow();
    this.leaveBatch();
  }

  /**
   * The head of the response leaves now and the call has succeeded: adds the token of its login,
   * unless something has ended the new session meanwhile.
   */
  announce(): void {
    const login = this.hasLogin ? this.#identity.logins.last : undefined;
    if (login && !login.held.isEnded) this.request.announce(login.held, login.credential);
  }

  /**
   * The call has succeeded: saves the draft. Then the login takes effect, or moves to the call
   * around this one.
   *
   * @param holdMs the longest that a write waits for the other calls of its batch, in ms
   * @param keep for a GraphQL mutation: the fields whose changes are saved
   * @param keepLogin the fields whose login is kept, if they differ from `keep`
   */
  async commit(holdMs = 0, keep: Keep = always, keepLogin = keep): Promise<void> {
    const { logins, acting } = this.#identity;
    try {
      await this.#creating;
      await logins.drop(keepLogin);
      this.leaveBatch();
      if (this.isDirty || this.#rotates) await this.request.gate.wait(holdMs);
      await acting.session?.autosave((draft) => this.fields.save(draft, keep));
      await this.#identity.conclude();
      if (this.#rotates) await this.request.rotateByAge();
    } catch (error) {
      await this.rollback();
      throw error;
    }
    this.end();
  }

  /** The call has failed: drops its changes and removes the sessions that it created. */
  async rollback(): Promise<void> {
    this.end();
    await this.#creating;
    await this.#identity.logins.drop(never);
    // The call has gone back to the session that it had before its login.
    this.#identity.acting.release(true);
    this.discard();
  }

  /** The call is over. Changes that are unsaved now stay unsaved. */
  end(): void {
    this.#identity.isDone = true;
    this.leaveBatch();
    this.#identity.acting.release(true);
    // Some hosts do not report when the head leaves. It does not leave before this line.
    this.request.head.settle();
  }

  /** Saves the changes that a stream has made so far. */
  async saveSoFar(): Promise<void> {
    await this.#identity.acting.session?.autosave((draft) => draft.save());
  }

  /** Drops the changes that a stream has made and not saved. */
  discard(): void {
    this.#identity.acting.session?.draft.discard();
  }

  /**
   * The resolver of the running root field has failed. Its changes are undone immediately, so that
   * the next field does not see them. If the field left a `create` running, that must finish
   * first.
   */
  async dropField(): Promise<void> {
    const { current } = this.fields;
    await (this.#creating ? this.#creating.then(() => this.fields.drop(current)) : this.fields.drop(current));
  }

  /** Saves the changes of these root fields while the operation goes on. */
  async commitFields(keep: Keep, hasFailed: Keep): Promise<void> {
    await this.#creating;
    await this.fields.commit(keep, hasFailed);
  }

  /** The last login of these fields takes effect while the operation goes on. */
  async commitLogin(keep: Keep): Promise<void> {
    await this.#creating;
    await this.#identity.logins.drop(keep);
    await this.#identity.conclude();
  }

  #create(data: unknown): Promise<NewSession<unknown>> {
    if (this.#identity.isDone) {
      throw new SessionError('NOT_SUPPORTED', 'the call is over: await create() before the call returns');
    }
    return this.#identity.create(data, this.fields.current);
  }
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}

function same(error: unknown): unknown {
  return error;
}

function noop(): void {}
