import { isSessionError, SessionError } from '../error.js';
import type { EndListener } from '../kernel/live-sessions.js';
import type { NewSession, Session } from '../types.js';
import { CallSessions } from './call-sessions.js';
import { HeldSession } from './held-session.js';
import { type Acting, activate, type Login, nullIfInvalid, type Previous, takeBack } from './login.js';
import type { Loaded, SessionRequest, Unreadable } from './request.js';
import type { Rotated } from './rotate.js';
import { CallSession, type Grant, type SessionOwner, withToken } from './session.js';
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

const NOTHING = { replaced: false, authenticatedAt: 0 };
const NOBODY: Acting = { held: null, grant: NOTHING, session: null };

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
  #isStream = false;
  #isDone = false;
  #loading: Promise<void> | undefined;
  #acting = NOBODY;
  #sessions: CallSessions<unknown> | undefined;
  /** Sessions that were created and did not take effect yet: one, except where fields of a mutation create several. */
  #logins: readonly Login[] = [];
  /** The creates of this call, one after the other. */
  #creating: Promise<unknown> | undefined;
  /** The session that this call itself ends. */
  #ending: HeldSession | undefined;
  #unreadableSession: UnreadableSession | undefined;
  readonly #endListeners = new Map<EndListener, () => void>();
  /** The epoch of the token that the call goes by. */
  #epoch: string | undefined;
  /** Whether the call has ended the session that it began with. */
  #hasLeft = false;
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
    const { held, grant, session } = this.#acting;
    if (!held || session) return session;
    // Without a guard nothing would refuse a session that ended: the context stops showing it.
    if (this.#isContext && held.isEnded) return null;
    const made = new CallSession<unknown>(held, { owner: this, grant });
    this.#acting = { held, grant, session: made };
    if (!this.#hasOutcome) reportUnsaved(made, this.request.services);
    return made;
  }

  /** What a guard admits: `null` when the session has ended meanwhile. See {@link admit} for records that cannot be read. */
  get liveSession(): Session<unknown> | null {
    if (this.unreadable) return this.#unreadableSession ?? null;
    return this.#acting.held?.isRefused ? null : this.session;
  }

  get held(): HeldSession | null {
    return this.#acting.held;
  }

  /** Whether {@link commit} has anything to do. */
  get isPending(): boolean {
    return this.#logins.length > 0 || this.#creating !== undefined || this.isDirty;
  }

  /** Whether the session of the request's credential could not be read, and the call did not leave it. */
  get unreadable(): Unreadable | undefined {
    return this.#acting.held || this.#hasLeft ? undefined : this.request.unreadable;
  }

  /** The id of the session that a login of this call replaces, until that takes effect. */
  get replacedId(): string | undefined {
    const previous = this.#logins.at(0)?.previous;
    return previous && !('unreadable' in previous) ? previous.id : undefined;
  }

  get isDirty(): boolean {
    return this.#acting.session?.draft.isDirty ?? false;
  }

  /** Opens a call that runs in this one. */
  open(options: Omit<CallOptions, 'parent'>): Call {
    return new Call(this.request, { ...options, parent: this });
  }

  /** Fixes the session that the call acts for. A context on a socket looks it up each time. */
  load(): Promise<void> {
    if (this.#isContext && this.request.persistent) return this.#lookUp();
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

  /** The calls of a batch wait for this one with their writes, until it is done. */
  joinBatch(): void {
    this.#leaveGate ??= this.request.gate.enter();
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
    // A call that runs in another one may be the one that logs out of the other's new session.
    for (let call: Call | undefined = this; call; call = call.parent) {
      const login = call.#logins.find((each) => each.held === held);
      if (login) return this.#destroyLogin(login, call);
    }
    this.#markEnding(held, held);
    try {
      const existed = await held.services.lifecycle.destroy(held.snapshot.record, 'destroyed');
      held.markEnded();
      this.#leave(held);
      this.request.ended(held.id);
      return existed;
    } catch (error) {
      this.#markEnding(held, undefined);
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

  assertWritable(): void {
    this.request.head.assertWritable();
  }

  rotated(held: HeldSession, rotated: Rotated): void {
    const { credential } = rotated;
    this.#epoch = held.snapshot.state.tokens.epoch;
    // The token of a session that did not take effect yet is written when it does.
    if (this.#logins.every((login) => login.held !== held)) this.request.rotated(held, rotated);
    this.#logins = this.#logins.map((login) => (login.held === held ? { ...login, credential } : login));
  }

  /**
   * Calls the listener when the session ends that the call acts for, unless the call itself ends it.
   * Returns a function that stops it.
   */
  watchEnd(listener: EndListener): () => void {
    this.#watch(listener);
    return () => {
      this.#endListeners.get(listener)?.();
      this.#endListeners.delete(listener);
    };
  }

  /** The call goes on as a stream: what it creates takes effect at once, and unchanged data stays new. */
  stream(): void {
    this.#isStream = true;
    this.#isDone = false;
    this.session?.draft.follow();
    this.leaveBatch();
  }

  leaveBatch(): void {
    this.#leaveGate?.();
  }

  get hasLogin(): boolean {
    return this.#logins.length > 0;
  }

  /** The head of the response leaves now, and the call has succeeded: the token of its login goes along. */
  announce(): void {
    const login = this.#logins.at(-1);
    if (login) this.request.announce(login.held, login.credential);
  }

  /**
   * The call has succeeded: saves the draft, then makes a login take effect, or hands it to the call
   * around this one.
   *
   * @param holdMs the longest that a write waits for the other calls of its batch, in ms
   * @param keep of a GraphQL mutation: whether this root field has succeeded
   */
  async commit(holdMs = 0, keep: (field: string) => boolean = always): Promise<void> {
    try {
      await this.#creating;
      await this.#dropLogins(keep);
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

  /** Saves what a stream has changed so far. */
  async saveSoFar(): Promise<void> {
    await this.#acting.session?.autosave((draft) => draft.save());
  }

  /** Saves what these root fields have changed, while the operation goes on, and undoes the logins of failed ones. */
  async commitFields(keep: (field: string) => boolean, hasFailed: (field: string) => boolean): Promise<void> {
    await this.#creating;
    await this.#dropLogins((field) => !hasFailed(field));
    await this.#acting.session?.autosave((draft) => draft.saveLayers(keep));
  }

  /** The root fields whose changes wait. */
  get pendingFields(): readonly string[] {
    return this.#acting.session?.draft.layerNames ?? [];
  }

  /** Drops what a stream has changed and not saved. */
  discard(): void {
    this.#acting.session?.draft.discard();
  }

  /** The call has failed: drops its changes, and removes the sessions that it created. */
  async rollback(): Promise<void> {
    this.end();
    await this.#creating;
    await this.#dropLogins(never);
    this.discard();
  }

  /** The call is over. Changes that were not saved are never saved. */
  end(): void {
    this.#isDone = true;
    this.leaveBatch();
    this.#acting.session?.releaseSignal();
    this.#sessions?.releaseSignal();
  }

  /** A root field of a GraphQL mutation begins: its changes are decided apart from those before it. */
  beginField(name: string): void {
    this.closeField();
    this.#field = name;
  }

  /** Puts the changes of the field that runs aside. */
  closeField(): void {
    this.#acting.session?.draft.closeLayer(this.#field ?? '');
  }

  get field(): string | undefined {
    return this.#field;
  }

  /**
   * The resolver of the root field that runs has failed: its changes and its login are undone. What
   * the next field sees is undone at once, unless the field has left a `create` behind.
   */
  async dropField(): Promise<void> {
    const name = this.#field;
    const drop = () => {
      const dropping = this.#dropLogins((field) => field !== name);
      this.#acting.session?.draft.dropChanges();
      return dropping;
    };
    await (this.#creating ? this.#creating.then(drop) : drop());
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
    this.#actAs(this.parent ? await this.parent.#loadedForChild() : await this.request.load());
  }

  /** Each look-up has a draft of its own: the calls of a socket do not share one. */
  async #lookUp(): Promise<void> {
    this.#actAs(await this.request.load());
  }

  #actAs(loaded: Loaded | null): void {
    this.#acting = loaded ? { ...loaded, session: null } : NOBODY;
    this.#epoch = loaded?.held.snapshot.state.tokens.epoch;
  }

  async #loadedForChild(): Promise<Loaded | null> {
    if (this.#isContext && this.request.persistent) return aliveOf(await this.request.load());
    await this.load();
    const { held, grant } = this.#acting;
    return aliveOf(held && { held, grant });
  }

  async #create(data: unknown): Promise<NewSession<unknown>> {
    const { request } = this;
    if (this.#isDone) throw new SessionError('NOT_SUPPORTED', 'the call is over: await create() before the call returns');
    request.head.assertWritable();
    await this.load().catch(nullIfInvalid);
    const replaced = alive(this.#acting.held);
    const { snapshot, credential } = await request.services.lifecycle.insert(data, replaced?.id);
    const held = new HeldSession(request.services, snapshot, [credential], true);
    const grant = grantOf(held);
    const session = new CallSession<unknown>(held, { owner: this, grant }, credential.reveal(request.services.settings.tokenPrefix));
    const previous = this.#previous();
    if (previous && !('unreadable' in previous)) previous.replacing(1);
    const login: Login = { held, credential, previous, field: this.#field, before: this.#acting };
    this.#actFor({ held, grant, session });
    await this.#place(login);
    return withToken(session);
  }

  /** Makes a login wait for the outcome that decides, or take effect at once where there is none. */
  async #place(login: Login): Promise<void> {
    if (this.#hasOutcome && !this.#isStream) return this.#push(login);
    const outer = this.#isStream ? undefined : this.#outer;
    try {
      await (outer ? outer.#adopt(login) : this.#activate(login));
    } catch (error) {
      const { previous } = login;
      if (previous && !('unreadable' in previous)) previous.replacing(-1);
      this.#restore(login.before);
      throw error;
    }
  }

  /** A later login of the same field replaces the earlier one. */
  async #push(login: Login): Promise<void> {
    const earlier = this.#logins.filter(({ field }) => field === login.field);
    const first = earlier.at(0);
    this.#logins = [...this.#logins.filter(({ field }) => field !== login.field), first ? { ...login, before: first.before } : login];
    await Promise.all(earlier.map(takeBack));
  }

  /** Takes over the login of a call that runs in this one. */
  async #adopt({ held, credential, previous: replaced }: Login): Promise<void> {
    const previous = this.#logins.at(0)?.previous ?? replaced;
    if (previous !== replaced) {
      // It replaces what this call's own login replaces, and that login's session is taken back below.
      if (previous && !('unreadable' in previous)) previous.replacing(1);
    }
    const login = { held, credential, previous, field: this.#field, before: this.#acting };
    this.#actFor({ held, grant: grantOf(held), session: null });
    await this.#push(login);
  }

  #previous(): Previous {
    const first = this.#logins.at(0);
    if (first) return first.previous;
    const { unreadable } = this;
    return alive(this.#acting.held) ?? (unreadable ? { unreadable: unreadable.credential } : null);
  }

  #watch(listener: EndListener): void {
    const { held } = this.#acting;
    const stop = held?.follow(
      (reason) => {
        if (this.#ending !== held) listener(reason);
      },
      () => this.#epoch,
    );
    this.#endListeners.set(listener, stop ?? noop);
  }

  #actFor(acting: Acting): void {
    this.#acting.session?.retire(true);
    this.#acting = acting;
    this.#loading = Promise.resolve();
    if (acting.held) this.#sessions?.followSignal(acting.held);
    for (const [listener, stop] of this.#endListeners) {
      stop();
      this.#watch(listener);
    }
  }

  #restore(before: Acting): void {
    this.#acting.session?.retire(true);
    before.session?.retire(false);
    this.#acting = before;
    this.#sessions?.followSignal(before.held);
  }

  /** Undoes the logins whose field has failed. */
  async #dropLogins(keep: (field: string) => boolean): Promise<void> {
    const dropped = this.#logins.filter(({ field }) => !keep(field ?? ''));
    if (dropped.length === 0) return;
    this.#logins = this.#logins.filter((each) => !dropped.includes(each));
    const [first] = dropped;
    const last = this.#logins.at(-1);
    if (first && dropped.some(({ held }) => held === this.#acting.held)) {
      this.#ending = this.#acting.held ?? undefined;
      this.#restore(last ? { held: last.held, grant: grantOf(last.held), session: null } : first.before);
    }
    await Promise.all(dropped.map(takeBack));
  }

  async #conclude(): Promise<void> {
    const login = this.#logins.at(-1);
    const earlier = this.#logins.slice(0, -1);
    this.#logins = [];
    await Promise.all(earlier.map(takeBack));
    if (!login) return;
    const outer = this.#outer;
    if (outer) return outer.#adopt(login);
    await this.#activate(login);
    if (this.#sharesLogin && this.parent) this.parent.#actFor({ held: login.held, grant: grantOf(login.held), session: null });
  }

  async #activate(login: Login): Promise<void> {
    const { previous } = login;
    if (previous && !('unreadable' in previous)) for (let call: Call | undefined = this; call; call = call.parent) call.#ending = previous;
    await activate(login, this.request);
  }

  async #saveDraft(draft: CallSession<unknown>['draft'], keep: (field: string) => boolean): Promise<void> {
    if (this.#field === undefined) return draft.save();
    draft.closeLayer(this.#field);
    await draft.saveLayers(keep);
  }

  /** Ends a session that has not taken effect, and the one that it replaced: its call has logged out. */
  async #destroyLogin(login: Login, of: Call): Promise<boolean> {
    const { previous } = login;
    of.#logins = of.#logins.filter((each) => each !== login);
    this.#markEnding(login.held, login.held);
    this.#leave(login.held);
    await takeBack(login);
    if (previous && 'unreadable' in previous) await this.destroyUnreadable();
    else if (previous && !previous.isEnded) await this.destroy(previous);
    return true;
  }

  #markEnding(held: HeldSession, ending: HeldSession | undefined): void {
    for (let call: Call | undefined = this; call; call = call.parent) if (call.#acting.held === held) call.#ending = ending;
  }

  /** The session is over for this call and the calls around it that act for the same one. */
  #leave(held: HeldSession): void {
    for (let call: Call | undefined = this; call; call = call.parent) {
      if (call.#acting.held !== held) continue;
      call.#actFor(NOBODY);
      call.#hasLeft = true;
    }
  }
}

function aliveOf(loaded: Loaded | null): Loaded | null {
  return loaded?.held.isEnded ? null : loaded;
}

/** What a new session grants to the call that created it. */
function grantOf({ snapshot }: HeldSession): Grant {
  return { replaced: false, authenticatedAt: snapshot.state.authenticatedAt };
}

function alive(held: HeldSession | null): HeldSession | null {
  return held?.isEnded ? null : held;
}

function isInvalid(error: unknown): boolean {
  return isSessionError(error) && error.code === 'INVALID_DATA';
}

function always(): boolean {
  return true;
}

function never(): boolean {
  return false;
}

function noop(): void {}
