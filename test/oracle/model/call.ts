// All in one file: it mirrors the rules of one call, which are read together.

import { Fail } from './complaint.js';
import { evict, type ModelRequest } from './request.js';
import type { Pause } from './runtime.js';
import { Draft, type Fields, type Handle, Stored } from './store.js';

/** A session that a call has created and that has not taken effect. */
interface Login {
  readonly session: Stored;
  readonly previous: Stored | null;
  readonly field: string | undefined;
  readonly before: Acting;
}

/** The session that a call acts for, and the object that it has of it. */
interface Acting {
  readonly session: Stored | null;
  handle: Handle | null;
}

const ANONYMOUS: Acting = { session: null, handle: null };

/** Which root fields of a mutation are kept. */
type Keep = (field: string) => boolean;

export interface CallOptions {
  readonly parent: ModelCall | undefined;
  /** Whether the library learns what the call came to. */
  readonly hasOutcome: boolean;
  /** The procedure call that it was opened for. */
  readonly key?: object | undefined;
}

/** A call: the session that it acts for, its draft, and its logins. */
export class ModelCall {
  readonly request: ModelRequest;
  readonly parent: ModelCall | undefined;
  readonly key: object | undefined;
  readonly hasOutcome: boolean;
  /** The head of its response has left: nothing waits for its outcome any more. */
  hasAnswered = false;
  /** Whether calls that begin later in the parent begin with a session that this one creates. */
  sharesLogin = false;
  /** The root field that runs, of a mutation. */
  field: string | undefined;
  #acting = ANONYMOUS;
  #isLoaded = false;
  #logins: readonly Login[] = [];
  #isOver = false;

  constructor(request: ModelRequest, { parent, hasOutcome, key }: CallOptions) {
    this.request = request;
    this.parent = parent;
    this.hasOutcome = hasOutcome;
    this.key = key;
  }

  /** A context outside any guard. */
  get isContext(): boolean {
    return !this.hasOutcome && !this.parent;
  }

  get session(): Stored | null {
    return this.#acting.session;
  }

  /** The object that the call has of its session. */
  get handle(): Handle | null {
    const { session } = this.#acting;
    if (session && !this.#acting.handle) {
      this.#acting = { session, handle: { session, draft: new Draft(session), isRetired: false } };
    }
    return this.#acting.handle;
  }

  get isDirty(): boolean {
    return this.#acting.handle?.draft.isDirty ?? false;
  }

  get hasLogin(): boolean {
    return this.#logins.length > 0;
  }

  load(): void {
    if (this.isContext && this.request.isSocket) this.#acting = { session: this.request.load(), handle: null };
    else if (!this.#isLoaded)
      this.#acting = { session: this.parent ? this.parent.forChild() : this.request.load(), handle: null };
    this.#isLoaded = true;
  }

  /** The session that a call begins with that runs in this one. */
  forChild(): Stored | null {
    if (this.isContext && this.request.isSocket) return alive(this.request.load());
    this.load();
    return alive(this.#acting.session);
  }

  create(made: { id: string; token: string; user: number }): Handle {
    const { world } = this.request;
    const data: Fields = { userId: world.userName(made.user), n: 0 };
    const session = new Stored({ ...made, data, order: world.sessions.length, isStale: false, isEffective: false });
    world.sessions.push(session);
    const previous = this.#logins.at(0)?.previous ?? alive(this.#acting.session);
    if (previous) this.request.replacing(previous, 1);
    const login: Login = { session, previous, field: this.field, before: this.#acting };
    const handle: Handle = { session, draft: new Draft(session), isRetired: false };
    this.#actFor({ session, handle });
    if (this.hasOutcome && !this.hasAnswered) this.#push(login);
    else if (this.#outer) this.#outer.#adopt(login);
    else this.#takeEffect(login);
    return handle;
  }

  /**
   * Ends a session. One that has not taken effect is undone, and the session it would replace is
   * ended.
   */
  destroy(session: Stored): void {
    const waiting = this.#waitingIn(session);
    this.#leave(session);
    if (!waiting) {
      this.request.end(session, 'destroyed');
      this.request.loggedOut(session);
      return;
    }
    const { creator, login } = waiting;
    creator.#logins = creator.#logins.filter((each) => each !== login);
    this.#takeBack(login);
    if (login.previous?.isAlive) this.destroy(login.previous);
  }

  /**
   * Ends the other sessions of the account. The one that the current one replaces counts as part
   * of it. Returns their number.
   */
  destroyOthers(): number {
    const { session } = this.#acting;
    if (!session?.isAlive) return 0;
    const replaced = this.#waitingIn(session)?.login.previous;
    const others = this.request.world.sessions.filter(({ isAlive, user }) => isAlive && user === session.user);
    return others.filter((each) => each !== session && each !== replaced && this.request.endOther(each, 'destroyed'))
      .length;
  }

  /** The call has succeeded. */
  *commit(holds: boolean, keep: Keep = always, keepLogin = keep): Generator<Pause, void, void> {
    this.#dropLogins(keepLogin);
    if (holds) yield* this.#wait();
    this.#save(keep);
    this.#isOver = true;
    this.#conclude();
  }

  /** The call has failed. */
  rollback(): void {
    this.#isOver = true;
    this.#dropLogins(() => false);
    this.#acting.handle?.draft.discard();
  }

  /** The effect of a nested call's login on the context that the call was made from. */
  goOnAs(session: Stored): void {
    this.#actFor({ session, handle: null });
  }

  beginField(name: string): void {
    this.#acting.handle?.draft.closeLayer(this.field ?? '');
    this.field = name;
  }

  /** The resolver of the field that runs has failed. */
  dropField(): void {
    this.#dropLogins((field) => field !== this.field);
    this.#acting.handle?.draft.dropChanges();
  }

  /** The session of a login that takes effect when the call has succeeded. */
  get pendingLogin(): Stored | undefined {
    return this.#logins.at(-1)?.session;
  }

  /** The nearest call around this one whose outcome decides. */
  get #outer(): ModelCall | undefined {
    for (let call = this.parent; call; call = call.parent)
      if (call.hasOutcome && !call.hasAnswered && !call.#isOver) return call;
    return undefined;
  }

  /** Where a session waits to take effect: this call, or one around it. */
  #waitingIn(session: Stored): { readonly creator: ModelCall; readonly login: Login } | undefined {
    for (let call: ModelCall | undefined = this; call; call = call.parent) {
      const login = call.#logins.find((each) => each.session === session);
      if (login) return { creator: call, login };
    }
    return undefined;
  }

  /** The call has failed, and what waited only for it goes on before anything that comes next. */
  *yieldToWaiting(): Generator<Pause, void, void> {
    const { hold } = this.request;
    if (hold.running === 0 && hold.waiting > 0) yield { hold, rank: () => Number.MAX_SAFE_INTEGER };
  }

  *#wait(): Generator<Pause, void, void> {
    const { hold, world } = this.request;
    const { runtime } = world;
    const isBusy = hold.running > 0;
    if (isBusy ? !this.isDirty : hold.waiting === 0) return;
    const login = this.pendingLogin;
    const { session } = this;
    // Those that go on together have no order of their own: what they bring about shows it.
    const last = Number.MAX_SAFE_INTEGER;
    yield {
      hold,
      rank: () => (login ? runtime.placeOf(login.id) : session && runtime.isGone(session.id) ? last : -1),
    };
  }

  #save(keep: Keep): void {
    const { handle } = this.#acting;
    if (!handle?.draft.isDirty || handle.isRetired) return;
    const { draft, session } = handle;
    if (this.field !== undefined) draft.closeLayer(this.field);
    const changes = draft.takeKept(keep);
    if (Object.keys(changes).length === 0) return;
    if (session.isAlive) {
      session.write(changes);
      this.request.knows(session);
    } else {
      this.request.world.runtime.emit('gone', session.id);
    }
  }

  /** @throws Fail where others have ended the new session while it waited */
  #conclude(): void {
    const login = this.#logins.at(-1);
    const earlier = this.#logins.slice(0, -1);
    this.#logins = [];
    for (const each of earlier) this.#takeBack(each);
    if (!login) return;
    if (!login.session.isAlive) {
      this.#takeBack(login);
      throw new Fail('SESSION_GONE');
    }
    const outer = this.#outer;
    if (outer) outer.#adopt(login);
    else this.#takeEffect(login);
    if (this.sharesLogin && this.parent !== outer) this.parent?.goOnAs(login.session);
  }

  #push(login: Login): void {
    const earlier = this.#logins.filter(({ field }) => field === login.field);
    const first = earlier.at(0);
    this.#logins = [
      ...this.#logins.filter(({ field }) => field !== login.field),
      first ? { ...login, before: first.before } : login,
    ];
    for (const each of earlier) this.#takeBack(each);
  }

  #adopt({ session, previous: replaced }: Login): void {
    const previous = this.#logins.at(0)?.previous ?? replaced;
    if (previous && previous !== replaced) this.request.replacing(previous, 1);
    const login = { session, previous, field: this.field, before: this.#acting };
    this.#actFor({ session, handle: null });
    this.#push(login);
  }

  #takeEffect({ session, previous }: Login): void {
    const { request } = this;
    const { world } = request;
    const alsoReplaced = previous?.isAlive ? undefined : request.issued;
    if (previous) request.end(previous, 'replaced');
    if (world.hasCookie) evict(world, session, alsoReplaced);
    session.isEffective = true;
    world.runtime.emit('created', session.id);
    request.issue(session);
  }

  #takeBack({ session, previous }: Login): void {
    session.isAlive = false;
    if (previous) this.request.replacing(previous, -1);
  }

  #dropLogins(keep: Keep): void {
    const dropped = this.#logins.filter(({ field }) => !keep(field ?? ''));
    const [first] = dropped;
    if (!first) return;
    this.#logins = this.#logins.filter((each) => !dropped.includes(each));
    const last = this.#logins.at(-1);
    if (dropped.some(({ session }) => session === this.#acting.session)) {
      this.#restore(last ? { session: last.session, handle: null } : first.before);
    }
    for (const each of dropped) this.#takeBack(each);
  }

  /** The session is over for this call and those around it that act for it. */
  #leave(session: Stored): void {
    for (let call: ModelCall | undefined = this; call; call = call.parent)
      if (call.#acting.session === session) call.#actFor(ANONYMOUS);
  }

  #actFor(acting: Acting): void {
    if (this.#acting.handle) this.#acting.handle.isRetired = true;
    this.#acting = acting;
    this.#isLoaded = true;
  }

  #restore(before: Acting): void {
    if (this.#acting.handle) this.#acting.handle.isRetired = true;
    if (before.handle) before.handle.isRetired = false;
    this.#acting = before;
  }
}

function alive(session: Stored | null): Stored | null {
  return session?.isAlive ? session : null;
}

function always(): boolean {
  return true;
}
