// All in one file: the rules about the session of a call depend on each other.

import { nullIfInvalid } from '../error.js';
import type { Credential } from '../record/token.js';
import type { NewSession } from '../types.js';
import { ActingSession, asCreator, creatorsGrant } from './acting.js';
import { HeldSession } from './held-session.js';
import { activate, assertWaits, heldBefore, type Login, type Previous, takeBack } from './login.js';
import { Logins } from './logins.js';
import type { Loaded, SessionRequest, Unreadable } from './request.js';
import type { Rotated } from './rotate.js';
import { CallSession, type SessionOwner, withToken } from './session.js';

export interface IdentityOptions {
  /** Whether the call's outcome decides what takes effect. */
  readonly hasOutcome: boolean;
  /** Whether later calls in the parent begin with a session that this call creates. */
  readonly sharesLogin?: boolean;
}

/**
 * The session that a call acts for. It is fixed when the call begins. Only the call's own logins
 * and logouts change it. A login waits until the call has succeeded, and then until the call
 * around it has succeeded.
 */
export class Identity {
  readonly request: SessionRequest;
  readonly acting: ActingSession;
  readonly sharesLogin: boolean | undefined;
  /** Whether the call continues as a stream, so that its logins take effect immediately. */
  isStream = false;
  isDone = false;
  readonly #owner: SessionOwner;
  readonly #parent: Identity | undefined;
  readonly #hasOutcome: boolean;
  #logins: Logins | undefined;
  #loading: Promise<void> | undefined;
  /** Whether the call has ended the session that it began with. */
  #hasLeft = false;

  /** @param parent the identity of the call around this one */
  constructor(owner: SessionOwner, request: SessionRequest, options: IdentityOptions, parent: Identity | undefined) {
    this.request = request;
    this.acting = new ActingSession(owner);
    this.#owner = owner;
    this.#parent = parent;
    this.#hasOutcome = options.hasOutcome;
    this.sharesLogin = options.sharesLogin;
  }

  get held(): HeldSession | null {
    return this.acting.held;
  }

  /** The sessions that the call has created. Most calls create none. */
  get logins(): Logins {
    this.#logins ??= new Logins(this.acting);
    return this.#logins;
  }

  get hasLogin(): boolean {
    return this.#logins !== undefined && !this.#logins.isEmpty;
  }

  /** Whether this is a context outside any guard. */
  get isContext(): boolean {
    return !this.#hasOutcome && !this.#parent;
  }

  /**
   * The unreadable session of the request's credential. `undefined` if there is none, or if the
   * call has left it.
   */
  get unreadable(): Unreadable | undefined {
    return this.held || this.#hasLeft ? undefined : this.request.unreadable;
  }

  /** Fixes the session that the call acts for. A context on a socket looks it up each time. */
  load(): Promise<void> {
    if (this.isContext && this.request.persistent) return this.#begin();
    this.#loading ??= this.#begin();
    return this.#loading;
  }

  /**
   * Creates a session and acts for it. `field` is the root field of a GraphQL mutation that asks.
   */
  async create(data: unknown, field: string | undefined): Promise<NewSession<unknown>> {
    const { services } = this.request;
    this.#owner.assertWritable();
    await this.load().catch(nullIfInvalid);
    // To make room, a login that waits in a call around this one is undone.
    const creator = (this.held && this.#creatorOf(this.held)) ?? this;
    const replaced = () => this.#replaced() ?? creator.#replaced();
    const insert = () => services.lifecycle.insert(data, heldBefore({ previous: replaced() })?.id);
    const { snapshot, credential } = await creator.logins.withRoom(field ?? creator.logins.field, insert);
    const previous = replaced();
    const held = new HeldSession(services, snapshot, [credential], true);
    const token = credential.reveal(services.settings.tokenPrefix);
    const session = new CallSession<unknown>(held, this.#owner, creatorsGrant(held), token);
    await this.#place(this.#loginWith({ held, credential, previous, field }, session));
    return withToken(session);
  }

  /** The call has succeeded: its login takes effect, or waits for the call around it. */
  async conclude(): Promise<void> {
    const login = await this.logins.take();
    if (!login) return;
    await assertWaits(login);
    const outer = this.#outer;
    await (outer ? outer.#adopt(login) : this.#activate(login));
    // A context between the two has begun with another session.
    if (this.sharesLogin && this.#parent && this.#parent !== outer) this.#parent.#act(login.held);
  }

  async destroy(held: HeldSession): Promise<boolean> {
    const creator = this.#creatorOf(held);
    if (creator) return this.#destroyLogin(held, creator);
    this.#isEnding(held, held);
    try {
      const existed = await held.services.lifecycle.destroy(held.snapshot.record, 'destroyed');
      held.markEnded();
      this.#leave(held);
      this.request.ended(held.id);
      return existed;
    } catch (error) {
      this.#isEnding(held, null);
      throw error;
    }
  }

  /** Ends the session of the request's credential, whose record could not be read. */
  async destroyUnreadable(): Promise<boolean> {
    const { unreadable } = this;
    return unreadable !== undefined && this.#endUnreadable(unreadable.credential);
  }

  async #endUnreadable(credential: Credential): Promise<boolean> {
    const { authentication, lifecycle } = this.request.services;
    // Only a token that opens the record may end it. Without readable hashes it stays.
    const record = await authentication.proves(credential).catch(nullIfInvalid);
    const existed = record !== null && (await lifecycle.destroy(record, 'destroyed'));
    this.#hasLeft = true;
    this.#loading = Promise.resolve();
    this.request.ended(credential.id);
    return existed;
  }

  /**
   * Runs a rotation. The new token goes to the response, or waits with the login of its session.
   */
  async rotate(held: HeldSession, run: () => Promise<Rotated>): Promise<Rotated> {
    const acting = this.#actingFor(held);
    for (const each of acting) each.rotating(1);
    try {
      const rotated = await run();
      for (const each of acting) each.goBy(rotated.epoch);
      // The token of a session that has not taken effect is written when it does.
      const creator = this.#creatorOf(held);
      if (creator) creator.logins.renew(held, rotated.credential);
      else this.request.rotated(held, rotated);
      return rotated;
    } finally {
      for (const each of acting) each.rotating(-1);
    }
  }

  /** The nearest call around this one whose outcome decides about logins. */
  get #outer(): Identity | undefined {
    for (let each = this.#parent; each; each = each.#parent) if (each.#decides && !each.isDone) return each;
    return undefined;
  }

  get #decides(): boolean {
    return this.#hasOutcome && !this.isStream;
  }

  #begin(): Promise<void> {
    return this.#beginsAnonymous() ? DONE : this.#beginLoaded();
  }

  /** Begins immediately where no look-up can find a session: most calls of anonymous clients. */
  #beginsAnonymous(): boolean {
    if (!this.request.isAnonymous || this.#parent?.isAnonymousForChild() === false) return false;
    this.acting.begin(null);
    return true;
  }

  /** Whether this call has begun without a session and still has none. Begins it if it can. */
  isAnonymousForChild(): boolean {
    if (this.isContext && this.request.persistent) return true;
    if (!this.#loading && this.#beginsAnonymous()) this.#loading = DONE;
    return this.#loading === DONE && this.held === null;
  }

  #beginLoaded(): Promise<void> {
    const parent = this.#parent;
    if (parent && !parent.isUntouched) return parent.#loadedForChild().then((loaded) => this.acting.begin(loaded));
    return this.request.load().then((loaded) => {
      // The usual case: the context around the call begins with it, without steps of its own.
      if (parent?.isUntouched) parent.#beginWith(loaded);
      this.acting.begin(parent ? aliveOf(loaded) : loaded);
    });
  }

  /** Whether this is the context of an HTTP request, and nothing has used its session yet. */
  get isUntouched(): boolean {
    return !this.#loading && this.isContext && !this.request.persistent;
  }

  #beginWith(loaded: Loaded | null): void {
    this.acting.begin(loaded);
    this.#loading = DONE;
  }

  /**
   * The session that a call inside this one begins with. On a socket, it is the session that the
   * connection has at that moment.
   */
  async #loadedForChild(): Promise<Loaded | null> {
    if (this.isContext && this.request.persistent) return aliveOf(await this.request.load());
    await this.load();
    const { held, grant } = this.acting.now;
    return aliveOf(held && { held, grant });
  }

  /** The session that a login would replace now. */
  #replaced(): Previous {
    const { unreadable } = this;
    return this.logins.previous ?? alive(this.held) ?? (unreadable ? { unreadable: unreadable.credential } : null);
  }

  /** From now on, the call acts for a new session. */
  #loginWith(made: Omit<Login, 'before'>, session: CallSession<unknown> | null): Login {
    heldBefore(made)?.replacing(1);
    const login: Login = { ...made, before: this.acting.now };
    this.#act(made.held, session);
    return login;
  }

  #act(held: HeldSession, session: CallSession<unknown> | null = null): void {
    this.acting.change(asCreator(held, session));
    this.#loading = Promise.resolve();
  }

  /**
   * Makes a login wait for the outcome that decides. Without such an outcome, the login takes
   * effect immediately.
   */
  async #place(login: Login): Promise<void> {
    if (this.#decides) return this.logins.push(login);
    const outer = this.isStream ? undefined : this.#outer;
    await (outer ? outer.#adopt(login) : this.#activate(login));
  }

  /** Takes over the login of a call that ran in this one. */
  async #adopt({ held, credential, previous }: Login): Promise<void> {
    // From now on, this call's login replaces what the inner call's login would have replaced.
    heldBefore({ previous })?.replacing(-1);
    const login = { held, credential, previous: this.logins.previous ?? previous, field: this.logins.field };
    this.request.services.lifecycle.replaces(held.id, heldBefore(login)?.id);
    await this.logins.push(this.#loginWith(login, null));
  }

  async #activate(login: Login): Promise<void> {
    const replaced = heldBefore(login);
    if (replaced) this.#noteEnding(replaced);
    try {
      await this.request.inTurn(() => activate(login, this.request));
    } catch (error) {
      this.#noteEnding(null);
      // This comes first, so that watchers of the call's own session do not see the new one end.
      this.acting.restore(login.before);
      await takeBack(login);
      throw error;
    }
  }

  #noteEnding(held: HeldSession | null): void {
    for (let each: Identity | undefined = this; each; each = each.#parent) each.acting.isEnding(held);
  }

  /**
   * Finds the call that created a session which has not taken effect yet: this call, or one around
   * it.
   */
  #creatorOf(held: HeldSession): Identity | undefined {
    for (let each: Identity | undefined = this; each; each = each.#parent)
      if (each.hasLogin && each.logins.has(held)) return each;
    return undefined;
  }

  /**
   * Ends a session that has not taken effect, and the session that it would have replaced: the
   * call has logged out.
   */
  async #destroyLogin(held: HeldSession, creator: Identity): Promise<boolean> {
    this.#isEnding(held, held);
    this.#leave(held);
    const previous = (await creator.logins.remove(held))?.previous;
    if (!previous) return true;
    if ('unreadable' in previous) await this.#endUnreadable(previous.unreadable);
    else if (!previous.isEnded) await this.destroy(previous);
    return true;
  }

  /** This call and the calls around it, as far as they act for this session. */
  #actingFor(held: HeldSession): ActingSession[] {
    const acting: ActingSession[] = [];
    for (let each: Identity | undefined = this; each; each = each.#parent)
      if (each.held === held) acting.push(each.acting);
    return acting;
  }

  /** Marks, in this call and those around it, the session that the call itself is ending. */
  #isEnding(held: HeldSession, ending: HeldSession | null): void {
    for (const acting of this.#actingFor(held)) acting.isEnding(ending);
  }

  /** Takes the session away from this call and from the calls around it that act for it. */
  #leave(held: HeldSession): void {
    for (let each: Identity | undefined = this; each; each = each.#parent) {
      if (each.held !== held) continue;
      each.acting.change(null);
      each.#loading = Promise.resolve();
      each.#hasLeft = true;
    }
  }
}

const DONE = Promise.resolve();

function aliveOf(loaded: Loaded | null): Loaded | null {
  return loaded?.held.isEnded ? null : loaded;
}

function alive(held: HeldSession | null): HeldSession | null {
  return held?.isEnded ? null : held;
}
