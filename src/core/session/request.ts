import { isSessionError } from '../error.js';
import type { Authenticated, ForeignSession } from '../kernel/authentication.js';
import type { Services } from '../kernel/services.js';
import { MINUTE, type Standing } from '../record/match.js';
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
  /** For a token of another library: how its session moves here. */
  readonly foreign?: ((head: ResponseHeadPort) => ForeignSession) | undefined;
  /** Whether the client sent anything where a token is expected, well-formed or not. */
  readonly tokenSent: boolean;
}

/** The session that a request holds, and the rights of the request's tokens. */
export interface Loaded {
  readonly held: HeldSession;
  readonly grant: Grant;
}

const NONE: readonly Credential[] = [];
const DONE = Promise.resolve();
/** How many tokens a connection keeps. At most three of a session give access at a time. */
const KEPT = 8;

/** A session that could not be read, and why. An outage is not one of the reasons. */
export interface Unreadable {
  readonly credential: Credential;
  readonly error: unknown;
}

/**
 * One HTTP request, or one socket. It has the credential, one load, and the response's head. It
 * owns no draft and decides nothing: its calls do that.
 */
export class SessionRequest {
  readonly services: Services;
  readonly head: ResponseHeadPort;
  readonly tokenSent: boolean;
  /** Whether this is a socket. A socket looks its session up again for each call. */
  readonly persistent: boolean;
  #gate: WriteGate | undefined;
  #credential: Credential | null;
  #foreign: Credentials['foreign'];
  #loading: Promise<Loaded | null> | undefined;
  #held: HeldSession | null = null;
  /** Tokens that calls of this connection received. Later calls may use the session by them. */
  #given = NONE;
  /** Whether the credential was looked up before. A socket sends it only the first time. */
  #hasLooked = false;
  readonly #openedAt: number;
  #unreadable: Unreadable | undefined;
  /** The session whose token this answer carries, if a source writes it. */
  #issued: HeldSession | null = null;
  #lastLogin = DONE;
  /** The session whose token is old enough to be rotated with the answer. */
  #due: HeldSession | null = null;

  constructor(services: Services, credentials: Credentials, head: ResponseHeadPort, persistent: boolean) {
    this.services = services;
    this.#credential = credentials.credential;
    this.#foreign = credentials.foreign;
    this.tokenSent = credentials.tokenSent;
    this.persistent = persistent;
    this.head = head;
    this.#openedAt = services.settings.now();
  }

  get credential(): Credential | null {
    return this.#credential;
  }

  /** Joins the writes of a batch into one. */
  get gate(): WriteGate {
    this.#gate ??= new WriteGate();
    return this.#gate;
  }

  /** Whether there is nothing by which a session could be found. */
  get isAnonymous(): boolean {
    return this.#credential === null && this.#held === null;
  }

  /** The session of the credential, if it could not be read. */
  get unreadable(): Unreadable | undefined {
    return this.#unreadable;
  }

  /**
   * The session that a call begins with. HTTP looks it up once for all calls, a socket each time.
   */
  load(): Promise<Loaded | null> {
    if (this.persistent) return this.#loadAgain();
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /**
   * Lets logins take effect one after the other. Each replaces the one before it, which must not
   * count for the account's limit.
   */
  inTurn(activate: () => Promise<void>): Promise<void> {
    const turn = this.#lastLogin.then(activate);
    this.#lastLogin = turn.catch(() => undefined);
    return turn;
  }

  /** The id of the session whose token this answer carries until this login replaces it. */
  replacedBy({ id }: HeldSession): string | undefined {
    return this.#issued?.id === id ? undefined : this.#issued?.id;
  }

  /**
   * A created session takes effect: its token goes to the response. A response carries one token,
   * so the session of an earlier one is ended.
   */
  async issue(held: HeldSession, credential: Credential): Promise<void> {
    const earlier = this.#issued;
    if (this.persistent) this.#hold(held);
    this.announce(held, credential);
    if (this.#issued !== held || !earlier || earlier.isEnded || earlier.id === held.id) return;
    earlier.markEnded();
    // No client has this session's token. If the destroy fails, the idle limit ends the session.
    await this.services.lifecycle.destroy(earlier.snapshot.record, 'replaced').catch(() => false);
  }

  /** Writes the token of a new session to the response. */
  announce(held: HeldSession, credential: Credential): void {
    const { settings } = this.services;
    this.#due = null;
    if (this.head.isWritable()) this.#issued = held;
    this.head.issued({
      id: held.id,
      token: credential.reveal(settings.tokenPrefix),
      lifetime: lifetimeOf(held.snapshot, settings),
    });
  }

  /**
   * A session received a new token. It goes to the response, unless the response carries another
   * session's token.
   */
  rotated(held: HeldSession, { credential, isRepeatable }: Rotated): void {
    const { settings } = this.services;
    // Another call may have ended the session while the store answered.
    if (held.isEnded) return;
    this.#due = null;
    // Only the newest tokens can give access. More of them would slow down each later call.
    if (this.persistent && this.#held === held)
      this.#given = [...this.#given.filter(({ hash }) => hash !== credential.hash), credential].slice(-KEPT);
    if (this.#issued && this.#issued.id !== held.id) return;
    this.head.issued({
      id: held.id,
      token: credential.reveal(settings.tokenPrefix),
      lifetime: lifetimeOf(held.snapshot, settings),
      // A token that no other answer can carry must go out, however late. It gets no `rotatedAt`.
      ...(isRepeatable && { rotatedAt: settings.now() }),
    });
  }

  /** Whether the token is old enough to be rotated, and this answer can carry the new one. */
  get isRotationDue(): boolean {
    return this.#due !== null && this.head.mayRotate();
  }

  /**
   * Rotates a token that is older than `rotateEvery`. This runs after the request has done its
   * work, so that the application's own rotation or login comes first. If it fails, the answer
   * goes out without a new token.
   */
  async rotateByAge(): Promise<void> {
    const held = this.#due;
    // The session has ended, or a login is about to replace it.
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
    this.#given = NONE;
    this.#credential = null;
    this.#foreign = undefined;
  }

  #forget(): void {
    this.#held = null;
    if (this.persistent) this.#credential = null;
  }

  #load(): Promise<Loaded | null> {
    const credential = this.#credential;
    if (!credential) return Promise.resolve(null);
    const { authentication, settings } = this.services;
    // The first call may come long after the token arrived. The token may have been replaced
    // since.
    const isRepeated = this.#hasLooked || settings.now() - this.#openedAt >= MINUTE;
    const arrival = { foreign: this.#foreign?.(this.head), isRepeated };
    this.#hasLooked = true;
    return authentication.authenticate(credential, arrival).then(
      (found) => this.#loaded(found, credential),
      (error) => this.#asAnonymous(error, credential),
    );
  }

  #loaded(found: Authenticated | null, credential: Credential): Loaded | null {
    this.#unreadable = undefined;
    if (!found) {
      this.#held = null;
      return null;
    }
    const held = this.#heldFor(found.snapshot, credential);
    if (!found.standing.replaced && this.#isDue(found.snapshot)) this.#due = held;
    return { held, grant: grantOf(found.standing, this.#given) };
  }

  /** Whether a token is older than `rotateEvery`. Only checked if the new one can be written. */
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
   * Looks the session up for one more call of a connection. Each call must make its own look-up. A
   * call that joins a running look-up could miss an end that was reported before the call began.
   */
  async #loadAgain(): Promise<Loaded | null> {
    // If the first look-up fails, only the call that made it fails.
    if (this.#loading) await this.#loading.catch(() => undefined);
    const held = this.#held;
    if (!held) {
      const loading = this.#load();
      this.#loading = loading;
      return loading;
    }
    const credentials = [...(held.credentials ?? []), ...this.#given];
    try {
      const found = await this.services.authentication.revalidate(held.id, credentials);
      this.#unreadable = undefined;
      if (this.#held !== held) return this.#loadAgain();
      if (found === 'replaced' || found === null) {
        // A replaced token does not end the session: streams of the connection go on.
        if (found === null) held.markEnded();
        this.#forget();
        return null;
      }
      held.advance(found.snapshot);
      return { held, grant: grantOf(found.standing, this.#given) };
    } catch (error) {
      return this.#asAnonymous(error, credentials.at(-1));
    }
  }

  /** @param credential a token that gave access to the session, or may give it */
  #asAnonymous(error: unknown, credential: Credential | undefined): null {
    this.#unreadable = credential && { credential, error };
    const { onStoreError, onInvalidData } = this.services.settings;
    const code = isSessionError(error) ? error.code : undefined;
    if (code === 'STORE_UNAVAILABLE' && onStoreError === 'anonymous') return null;
    if (code === 'INVALID_DATA' && onInvalidData === 'anonymous') return null;
    throw error;
  }
}

function grantOf({ replaced, authenticatedAt }: Standing, given: readonly Credential[]): Grant {
  return { replaced, authenticatedAt, given };
}
