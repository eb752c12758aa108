import { isSessionError } from '../error.js';
import type { ForeignSession } from '../kernel/authentication.js';
import type { Services } from '../kernel/services.js';
import { MINUTE } from '../record/match.js';
import { lifetimeOf, type Snapshot } from '../record/snapshot.js';
import type { Credential } from '../record/token.js';
import { isRotationDue } from '../record/upkeep.js';
import { HeldSession } from './held-session.js';
import type { ResponseHeadPort } from './response-port.js';
import { type Rotated, rotate } from './rotate.js';
import type { Grant } from './session.js';
import { WriteGate } from './write-gate.js';

/** The credentials of a request. */
export interface Credentials {
  /** The first well-formed token, or `null`. */
  readonly credential: Credential | null;
  /** For another library's token: how its session moves here. */
  readonly foreign?: ((head: ResponseHeadPort) => ForeignSession) | undefined;
  /** Whether anything was sent where a token is expected, well-formed or not. */
  readonly tokenSent: boolean;
}

export interface RequestOptions extends Credentials {
  /** A socket: its session is looked up again for each call. */
  readonly persistent: boolean;
  readonly head: ResponseHeadPort;
}

/** The session that a request holds, and the rights of the request's tokens. */
export interface Loaded {
  readonly held: HeldSession;
  readonly grant: Grant;
}

/** Why the session of a credential could not be read, where that is no outage. */
export interface Unreadable {
  readonly credential: Credential;
  readonly error: unknown;
}

/**
 * One HTTP request, or one socket: the credential, one load, and the response's head. It owns no
 * draft and decides nothing: its calls do.
 */
export class SessionRequest {
  readonly services: Services;
  readonly head: ResponseHeadPort;
  readonly tokenSent: boolean;
  readonly persistent: boolean;
  /** Joins the writes of a batch. */
  readonly gate = new WriteGate();
  #credential: Credential | null;
  #foreign: Credentials['foreign'];
  #loading: Promise<Loaded | null> | undefined;
  #held: HeldSession | null = null;
  /** Tokens that calls of this connection were given: later calls may use the session by them. */
  #given: readonly Credential[] = [];
  /** Whether the credential was looked up before: on a socket, it was sent only then. */
  #hasLooked = false;
  readonly #openedAt: number;
  #unreadable: Unreadable | undefined;
  /** The session whose token this answer carries, where a source writes it. */
  #issued: HeldSession | null = null;
  /** The session whose token is to be rotated because of its age. */
  #due: HeldSession | null = null;

  constructor(services: Services, { credential, foreign, tokenSent, persistent, head }: RequestOptions) {
    this.services = services;
    this.#credential = credential;
    this.#foreign = foreign;
    this.tokenSent = tokenSent;
    this.persistent = persistent;
    this.head = head;
    this.#openedAt = services.settings.now();
  }

  get credential(): Credential | null {
    return this.#credential;
  }

  /** The session of the credential that could not be read, if so. */
  get unreadable(): Unreadable | undefined {
    return this.#unreadable;
  }

  /** The session that a call begins with. HTTP: one look-up for all; a socket: one for each. */
  load(): Promise<Loaded | null> {
    if (this.persistent) return this.#loadAgain();
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * A session that was created takes effect: its token goes to the response. A response carries
   * one token: the session of an earlier one is ended.
   */
  async issue(held: HeldSession, credential: Credential): Promise<void> {
    const earlier = this.#issued;
    if (this.persistent) this.#hold(held);
    this.announce(held, credential);
    if (this.#issued !== held || !earlier || earlier.isEnded || earlier.id === held.id) return;
    earlier.markEnded();
    // No client has its token: if this fails, it ends by its idle limit.
    await this.services.lifecycle.destroy(earlier.snapshot.record, 'replaced').catch(() => false);
  }

  /** Writes the token of a new session to the response. */
  announce(held: HeldSession, credential: Credential): void {
    const { settings } = this.services;
    this.#due = null;
    if (this.head.isWritable()) this.#issued = held;
    this.head.issued({ id: held.id, token: credential.reveal(settings.tokenPrefix), lifetime: lifetimeOf(held.snapshot, settings) });
  }

  /**
   * A session got a new token, which goes to the response unless that carries another session's.
   */
  rotated(held: HeldSession, { credential, isRepeatable }: Rotated): void {
    const { settings } = this.services;
    this.#due = null;
    if (this.persistent && this.#held === held) this.#given = [...this.#given, credential];
    if (this.#issued && this.#issued.id !== held.id) return;
    this.head.issued({
      id: held.id,
      token: credential.reveal(settings.tokenPrefix),
      lifetime: lifetimeOf(held.snapshot, settings),
      // One that no other answer carries has to go out, however late.
      ...(isRepeatable && { rotatedAt: settings.now() }),
    });
  }

  /**
   * Whether the token is to be rotated because of its age, and the new one can go out with this
   * answer.
   */
  get isRotationDue(): boolean {
    return this.#due !== null && this.head.mayRotate();
  }

  /**
   * Rotates a token that is older than `rotateEvery`: when the request has done its work, so that
   * the application's own rotation or login comes first. Whatever fails, the answer goes out
   * without a new token.
   */
  async rotateByAge(): Promise<void> {
    const held = this.#due;
    // A login is about to replace it, or it has ended.
    if (!held || !this.isRotationDue || held.isRefused) return;
    this.#due = null;
    try {
      this.rotated(held, await rotate(held, { credentials: held.credentials ?? [], replaced: false }, {}));
    } catch (error) {
      if (!isSessionError(error)) throw error;
    }
  }

  /** One of the request's calls has ended this session. */
  ended(id: string): void {
    this.#due = null;
    if (this.#held?.id === id) this.#forget();
    this.head.ended(id);
  }

  #hold(held: HeldSession): void {
    this.#held = held;
    this.#given = [];
    this.#credential = null;
    this.#foreign = undefined;
  }

  #forget(): void {
    this.#held = null;
    if (this.persistent) this.#credential = null;
  }

  async #load(): Promise<Loaded | null> {
    const credential = this.#credential;
    if (!credential) return null;
    const { authentication, settings } = this.services;
    // The first call may come long after the token, which may have been replaced only since.
    const isRepeated = this.#hasLooked || settings.now() - this.#openedAt >= MINUTE;
    const arrival = { foreign: this.#foreign?.(this.head), isRepeated };
    this.#hasLooked = true;
    this.#unreadable = undefined;
    try {
      const found = await authentication.authenticate(credential, arrival);
      if (!found) {
        this.#held = null;
        return null;
      }
      const held = this.#heldFor(found.snapshot, credential);
      if (!found.standing.replaced && this.#isDue(found.snapshot)) this.#due = held;
      return { held, grant: { ...found.standing, given: this.#given } };
    } catch (error) {
      this.#unreadable = { credential, error };
      return this.#asAnonymous(error);
    }
  }

  /**
   * Whether a token is older than `rotateEvery`, which is looked at only where the new one can be
   * written.
   */
  #isDue({ state, record }: Snapshot): boolean {
    const { rotateEvery, now } = this.services.settings;
    if (rotateEvery === Number.POSITIVE_INFINITY || !this.head.mayRotate()) return false;
    return isRotationDue(state, record.createdAt, rotateEvery, now());
  }

  #heldFor(snapshot: Snapshot, credential: Credential): HeldSession {
    if (this.#held?.id === snapshot.record.id) this.#held.advance(snapshot);
    else this.#held = new HeldSession(this.services, snapshot, [credential]);
    return this.#held;
  }

  /**
   * Looks the session up for one more call of a connection. Every call looks for itself: one that
   * joined a look-up under way could miss an end that was answered before it came.
   */
  async #loadAgain(): Promise<Loaded | null> {
    // A first look-up that failed concerns its own call only.
    if (this.#loading) await this.#loading.catch(() => undefined);
    const held = this.#held;
    if (!held) {
      const loading = this.#load();
      this.#loading = loading;
      return loading;
    }
    try {
      const found = await this.services.authentication.revalidate(held.id, [...(held.credentials ?? []), ...this.#given]);
      if (this.#held !== held) return this.#loadAgain();
      if (found === 'replaced' || found === null) {
        // A token that was replaced ends no session: streams of the connection go on.
        if (found === null) held.markEnded();
        this.#forget();
        return null;
      }
      held.advance(found.snapshot);
      return { held, grant: { ...found.standing, given: this.#given } };
    } catch (error) {
      return this.#asAnonymous(error);
    }
  }

  #asAnonymous(error: unknown): null {
    const { onStoreError, onInvalidData } = this.services.settings;
    const code = isSessionError(error) ? error.code : undefined;
    if (code === 'STORE_UNAVAILABLE' && onStoreError === 'anonymous') return null;
    if (code === 'INVALID_DATA' && onInvalidData === 'anonymous') return null;
    throw error;
  }
}
