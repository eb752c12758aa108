import { SessionError } from '../error.js';
import type { EndListener } from '../kernel/live-sessions.js';
import type { NewSession, Session } from '../types.js';
import { ActingSession, asCreator, creatorsGrant } from './acting.js';
import { CallSessions } from './call-sessions.js';
import { HeldSession } from './held-session.js';
import { activate, heldBefore, isInvalid, type Login, nullIfInvalid, type Previous } from './login.js';
import { Logins } from './logins.js';
import type { Loaded, SessionRequest, Unreadable } from './request.js';
import type { Rotated } from './rotate.js';
import { CallSession, type SessionOwner, withToken } from './session.js';
import { UnreadableSession } from './unreadable-session.js';
import { reportUnsaved } from './unsaved.js';

/** How a call is opened. */
export interface CallOptions {
  /** The call that this one runs in. Absent for the outermost. */
  readonly parent?: Call | undefined;
  /**
   * Whether the adapter will report an outcome, by {@link Call.commit} or {@link Call.rollback}.
   * Without one, a session that is created takes effect at once and no change is saved.
   */
  readonly hasOutcome: boolean;
  /** What an adapter recognises the call by. */
  readonly key?: unknown;
  /** Whether calls that begin later in the parent begin with a session that this one creates. */
  readonly sharesLogin?: boolean;
}

/** Of a GraphQL mutation: whether this root field has succeeded. */
type Keep = (field: string) => boolean;

/**
 * A procedure call, an operation, an Express request or a context. It owns the session that it acts
 * for, and the draft of it. Adapters open calls, hand their {@link Call.sessions} to the user, and
 * report the outcome.
 */
export class Call implements SessionOwner {
  readonly request: SessionRequest;
  readonly parent: Call | undefined;
  readonly key: unknown;
  /** For the adapter that opened the call. Plain data, as another copy of the package may read it. */
  details: unknown;
  readonly #sharesLogin: boolean;
  readonly #hasOutcome: boolean;
  readonly #acting = new ActingSession(this);
  readonly #logins = new Logins(this.#acting);
  #isStream = false;
  #isDone = false;
  /** Whether nothing that the call runs can have had an effect yet. See {@link start}. */
  isAtStart = false;
  /** Whether the head of its answer is on the way, while that of the request may still be open. */
  #isSealed = false;
  /** Whether the call has ended the session that it began with. */
  #hasLeft = false;
  #loading: Promise<void> | undefined;
  /** The creates of this call, one after the other. */
  #creating: Promise<unknown> | undefined;
  #sessions: CallSessions<unknown> | undefined;
  #unreadableSession: UnreadableSession | undefined;
  /** The root field of a GraphQL mutation that runs. */
  #field: string | undefined;
  #leaveGate: (() => void) | undefined;

  constructor(request: SessionRequest, { parent, hasOutcome, key, sharesLogin = false }: CallOptions) {
    this.request = request;
    this.parent = parent;
    this.key = key;
    this.#hasOutcome = hasOutcome;
    this.#sharesLogin = sharesLogin;
  }

  /** What users get as `ctx.sessions`. */
  get sessions(): CallSessions<unknown> {
    this.#sessions ??= new CallSessions<unknown>(this);
    return this.#sessions;
  }

  /** The session that the call acts for, with its draft. `null` when anonymous, and before it is loaded. */
  get session(): CallSession<unknown> | null {
    const known = this.#acting.session;
    if (known) return known;
    // Without a guard nothing would refuse a session that ended: the context stops showing it.
    if (this.#isContext && this.held?.isEnded) return null;
    const made = this.#acting.open();
    if (made && !this.#hasOutcome) reportUnsaved(made, this.request.services);
    return made;
  }

  /** What a guard admits: `null` when the session has ended meanwhile. See {@link admit} for records that cannot be read. */
  get liveSession(): Session<unknown> | null {
    if (this.unreadable) return this.#unreadableSession ?? null;
    return this.held?.isRefused ? null : this.session;
  }

  get held(): HeldSession | null {
    return this.#acting.held;
  }

  get signal(): AbortSignal {
    return this.#acting.signal;
  }

  get isDirty(): boolean {
    return this.#acting.session?.draft.isDirty ?? false;
  }

  /** Whether {@link commit} has anything to do. */
  get isPending(): boolean {
    return this.hasLogin || this.#creating !== undefined || this.isDirty;
  }

  /** Whether a session was created that has not taken effect. */
  get hasLogin(): boolean {
    return !this.#logins.isEmpty;
  }

  /** The session of the request's credential that could not be read, unless the call has left it. */
  get unreadable(): Unreadable | undefined {
    return this.held || this.#hasLeft ? undefined : this.request.unreadable;
  }

  /** The id of the session that a login of this call replaces, until that takes effect. */
  get replacedId(): string | undefined {
    return heldBefore({ previous: this.#logins.previous ?? null })?.id;
  }

  /** Opens a call that runs in this one. */
  open(options: Omit<CallOptions, 'parent'>): Call {
    return new Call(this.request, { ...options, parent: this });
  }

  /** Fixes the session that the call acts for. A context on a socket looks it up each time. */
  load(): Promise<void> {
    if (this.#isContext && this.request.persistent) return this.#begin();
    this.#loading ??= this.#begin();
    return this.#loading;
  }

  /**
   * Loads the session for a guard. A record that cannot be read is no logout: it gives an object whose
   * data throws, so that its holder can still log in and log out.
   */
  async admit(): Promise<Session<unknown> | null> {
    try {
      await this.load();
      return this.session;
    } catch (error) {
      const { unreadable } = this;
      if (!unreadable || !isInvalid(error)) throw error;
      const isVerified = this.request.services.reader.wasDecoded(error);
      this.#unreadableSession = new UnreadableSession(this, unreadable.credential.id, error, isVerified);
      return this.#unreadableSession;
    }
  }

  create(data: unknown): Promise<NewSession<unknown>> {
    const created = (this.#creating ?? Promise.resolve()).then(() => this.#create(data));
    const settled = created.then(noop, noop).then(() => {
      if (this.#creating === settled) this.#creating = undefined;
    });
    this.#creating = settled;
    return created;
  }

  async destroy(held: HeldSession): Promise<boolean> {
    if (this.#logins.has(held)) return this.#destroyLogin(held);
    this.#ends(held, held);
    try {
      const existed = await held.services.lifecycle.destroy(held.snapshot.record, 'destroyed');
      held.markEnded();
      this.#leave(held);
      this.request.ended(held.id);
      return existed;
    } catch (error) {
      this.#ends(held, null);
      throw error;
    }
  }

  /** Ends the session of the request's credential, whose record could not be read. */
  async destroyUnreadable(): Promise<boolean> {
    const { unreadable, request } = this;
    if (!unreadable) return false;
    const { authentication, lifecycle } = request.services;
    // Only a token that opens the record may end it. Without readable hashes it stays.
    const record = await authentication.proves(unreadable.credential).catch(nullIfInvalid);
    const existed = record !== null && (await lifecycle.destroy(record, 'destroyed'));
    this.#hasLeft = true;
    this.#loading = Promise.resolve();
    request.ended(unreadable.credential.id);
    return existed;
  }

  /**
   * Runs what the call is for. Until it first waits for something, nothing that it did can have had
   * an effect.
   */
  start<Result>(run: () => Result): Result {
    this.isAtStart = true;
    try {
      return run();
    } finally {
      this.isAtStart = false;
    }
  }

  /** Whether nothing of the call has run yet: a client may then repeat the request. */
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

  /** The answer to this call is on its way. Where the call runs in another one, that one may still write to the head. */
  seal(): void {
    this.#isSealed = true;
    if (!this.parent) this.request.head.seal();
  }

  rotated(held: HeldSession, rotated: Rotated): void {
    this.#acting.goBy(held.snapshot.state.tokens.epoch);
    // The token of a session that did not take effect yet is written when it does.
    if (this.#logins.has(held)) this.#logins.renew(held, rotated.credential);
    else this.request.rotated(held, rotated);
  }

  /** Calls the listener when the session ends, unless the call itself ends it. Returns a function that stops it. */
  watchEnd(listener: EndListener): () => void {
    return this.#acting.watchEnd(listener);
  }

  /** The calls of a batch wait for this one with their writes, until it is done. */
  joinBatch(): void {
    this.#leaveGate ??= this.request.gate.enter();
  }

  leaveBatch(): void {
    this.#leaveGate?.();
  }

  /** The call goes on as a stream: what it creates takes effect at once, and unchanged data stays new. */
  stream(): void {
    this.#isStream = true;
    this.#isDone = false;
    this.session?.draft.follow();
    this.leaveBatch();
  }

  /** The head of the response leaves now, and the call has succeeded: the token of its login goes along. */
  announce(): void {
    const login = this.#logins.last;
    if (login) this.request.announce(login.held, login.credential);
  }

  /**
   * The call has succeeded: saves the draft, then makes a login take effect, or hands it to the call
   * around this one.
   *
   * @param holdMs the longest that a write waits for the other calls of its batch, in ms
   */
  async commit(holdMs = 0, keep: Keep = always): Promise<void> {
    try {
      await this.#creating;
      await this.#logins.drop(keep);
      this.leaveBatch();
      if (this.isDirty) await this.request.gate.wait(holdMs);
      await this.#acting.session?.autosave((draft) => this.#saveDraft(draft, keep));
      await this.#conclude();
    } catch (error) {
      await this.rollback();
      throw error;
    }
    this.end();
  }

  /** The call has failed: drops its changes, and removes the sessions that it created. */
  async rollback(): Promise<void> {
    this.end();
    await this.#creating;
    await this.#logins.drop(never);
    this.discard();
  }

  /** The call is over. Changes that were not saved are never saved. */
  end(): void {
    this.#isDone = true;
    this.leaveBatch();
    this.#acting.release();
  }

  /** Saves what a stream has changed so far. */
  async saveSoFar(): Promise<void> {
    await this.#acting.session?.autosave((draft) => draft.save());
  }

  /** Drops what a stream has changed and not saved. */
  discard(): void {
    this.#acting.session?.draft.discard();
  }

  /** The root field of a GraphQL mutation that runs. */
  get field(): string | undefined {
    return this.#field;
  }

  /** The root fields whose changes wait. */
  get pendingFields(): readonly string[] {
    return this.#acting.session?.draft.layerNames ?? [];
  }

  /** A root field begins: its changes are decided apart from those before it. */
  beginField(name: string): void {
    this.closeField();
    this.#field = name;
  }

  /** Puts the changes of the field that runs aside. */
  closeField(): void {
    this.#acting.session?.draft.closeLayer(this.#field ?? '');
  }

  /**
   * The resolver of the root field that runs has failed: its changes and its login are undone. What
   * the next field sees is undone at once, unless the field has left a `create` behind.
   */
  async dropField(): Promise<void> {
    const name = this.#field;
    const drop = () => {
      const dropping = this.#logins.drop((field) => field !== name);
      this.#acting.session?.draft.dropChanges();
      return dropping;
    };
    await (this.#creating ? this.#creating.then(drop) : drop());
  }

  /** Saves what these root fields have changed, while the operation goes on, and undoes the logins of failed ones. */
  async commitFields(keep: Keep, hasFailed: Keep): Promise<void> {
    await this.#creating;
    await this.#logins.drop((field) => !hasFailed(field));
    await this.#acting.session?.autosave((draft) => draft.saveLayers(keep));
  }

  /** A context of its own, outside any guard. */
  get #isContext(): boolean {
    return !this.#hasOutcome && !this.parent;
  }

  /** The nearest call around this one whose outcome decides. */
  get #outer(): Call | undefined {
    for (let call = this.parent; call; call = call.parent) if (call.#hasOutcome && !call.#isStream && !call.#isDone) return call;
    return undefined;
  }

  async #begin(): Promise<void> {
    this.#acting.begin(this.parent ? await this.parent.#loadedForChild() : await this.request.load());
  }

  /** What a call in this one begins with. On a socket, that is the session that the connection has by then. */
  async #loadedForChild(): Promise<Loaded | null> {
    if (this.#isContext && this.request.persistent) return aliveOf(await this.request.load());
    await this.load();
    const { held, grant } = this.#acting.now;
    return aliveOf(held && { held, grant });
  }

  async #create(data: unknown): Promise<NewSession<unknown>> {
    const { request } = this;
    if (this.#isDone) throw new SessionError('NOT_SUPPORTED', 'the call is over: await create() before the call returns');
    this.assertWritable();
    await this.load().catch(nullIfInvalid);
    const { services } = request;
    const { snapshot, credential } = await services.lifecycle.insert(data, alive(this.held)?.id);
    const held = new HeldSession(services, snapshot, [credential], true);
    const token = credential.reveal(services.settings.tokenPrefix);
    const session = new CallSession<unknown>(held, { owner: this, grant: creatorsGrant(held) }, token);
    await this.#place(this.#loginWith({ held, credential, previous: this.#replaced() }, session));
    return withToken(session);
  }

  /** What a session that is created now takes the place of. */
  #replaced(): Previous {
    const { unreadable } = this;
    return this.#logins.previous ?? alive(this.held) ?? (unreadable ? { unreadable: unreadable.credential } : null);
  }

  /** The call acts for a new session from now on. */
  #loginWith(made: Pick<Login, 'held' | 'credential' | 'previous'>, session: CallSession<unknown> | null): Login {
    heldBefore(made)?.replacing(1);
    const login: Login = { ...made, field: this.#field, before: this.#acting.now };
    this.#act(made.held, session);
    return login;
  }

  #act(held: HeldSession, session: CallSession<unknown> | null = null): void {
    this.#acting.change(asCreator(held, session));
    this.#loading = Promise.resolve();
  }

  /** Makes a login wait for the outcome that decides, or take effect at once where there is none. */
  async #place(login: Login): Promise<void> {
    if (this.#hasOutcome && !this.#isStream) return this.#logins.push(login);
    const outer = this.#isStream ? undefined : this.#outer;
    try {
      await (outer ? outer.#adopt(login) : this.#activate(login));
    } catch (error) {
      this.#acting.restore(login.before);
      throw error;
    }
  }

  /** Takes over the login of a call that ran in this one. */
  async #adopt({ held, credential, previous }: Login): Promise<void> {
    // The hold on what it replaces passes from that call's login to this one's.
    heldBefore({ previous })?.replacing(-1);
    await this.#logins.push(this.#loginWith({ held, credential, previous: this.#logins.previous ?? previous }, null));
  }

  async #conclude(): Promise<void> {
    const login = await this.#logins.take();
    if (!login) return;
    const outer = this.#outer;
    if (outer) return outer.#adopt(login);
    await this.#activate(login);
    if (this.#sharesLogin) this.parent?.followLogin(login.held);
  }

  /** A call in this one has logged in, and calls that begin here later begin with its session. */
  followLogin(held: HeldSession): void {
    this.#act(held);
  }

  async #activate(login: Login): Promise<void> {
    const replaced = heldBefore(login);
    if (replaced) for (let call: Call | undefined = this; call; call = call.parent) call.#acting.isEnding(replaced);
    await activate(login, this.request);
  }

  async #saveDraft(draft: CallSession<unknown>['draft'], keep: Keep): Promise<void> {
    if (this.#field === undefined) return draft.save();
    draft.closeLayer(this.#field);
    await draft.saveLayers(keep);
  }

  /** Ends a session that this call has created, and the one that it replaced: the call has logged out. */
  async #destroyLogin(held: HeldSession): Promise<boolean> {
    this.#acting.isEnding(held);
    this.#leave(held);
    const login = await this.#logins.remove(held);
    const previous = login ? heldBefore(login) : null;
    if (previous && !previous.isEnded) await this.destroy(previous);
    else if (login?.previous && !previous) await this.destroyUnreadable();
    return true;
  }

  /** Notes, for this call and those around it, that it is itself ending the session. */
  #ends(held: HeldSession, ending: HeldSession | null): void {
    for (let call: Call | undefined = this; call; call = call.parent) if (call.held === held) call.#acting.isEnding(ending);
  }

  /** The session is over for this call and the calls around it that act for the same one. */
  #leave(held: HeldSession): void {
    for (let call: Call | undefined = this; call; call = call.parent) {
      if (call.held !== held) continue;
      call.#acting.change(null);
      call.#loading = Promise.resolve();
      call.#hasLeft = true;
    }
  }
}

function aliveOf(loaded: Loaded | null): Loaded | null {
  return loaded?.held.isEnded ? null : loaded;
}

function alive(held: HeldSession | null): HeldSession | null {
  return held?.isEnded ? null : held;
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}

function noop(): void {}
