import { cloneJson } from '../data/json.js';
import { reveal } from '../data/schema.js';
import { SessionError } from '../error.js';
import type { Kernel } from '../kernel/kernel.js';
import type { LegacyClaim, LegacyToken } from '../legacy.js';
import { describeError } from '../logger.js';
import { lifetimeOf, type Snapshot } from '../record/snapshot.js';
import { type Credential, isSessionId, parseToken } from '../record/token.js';
import type { NewSession, RequestSessions, Session, SessionInfo } from '../types.js';
import { endLink, SessionDraft, type SessionLink, type TokenDelivery, watchEnd } from './session.js';

/** What a request brings. */
export interface RequestFacts {
  /** The first well-formed token, or `null`. */
  readonly credential: Credential | null;
  /** Where the credential is that of another library's token. */
  readonly legacy?: LegacyToken | undefined;
  /** Whether anything was sent where a token is expected, well-formed or not. */
  readonly tokenSent: boolean;
  /** A WebSocket: its session is looked up again for each call. */
  readonly persistent: boolean;
  readonly delivery: TokenDelivery;
}

/** A procedure, operation or request, with the draft that is saved when it succeeds. */
export interface Unit<Data> {
  session: SessionDraft<Data> | null;
  /** What an adapter knows it by, where it has to find it again: see {@link RequestHandle.unitOf}. */
  key: object | undefined;
  /** What it changed is not to be saved, or has been. */
  finished: boolean;
}

/** The state of {@link RequestSessions}, for the adapters. */
export class RequestHandle<Data, Input = Data> implements RequestSessions<Data, Input> {
  readonly tokenSent: boolean;
  /** For the adapter that serves the request to keep what it knows of it. */
  facts: object | undefined;
  readonly #kernel: Kernel;
  readonly #persistent: boolean;
  readonly #delivery: TokenDelivery;
  #credential: Credential | null;
  #legacy: LegacyToken | undefined;
  #loading: Promise<void> | null = null;
  #link: SessionLink | null = null;
  /** The draft of those who use the handle outside any unit. */
  #own: SessionDraft<Data> | null = null;
  #units: Unit<Data>[] = [];
  #wakeHeld: (() => void)[] = [];
  /** Of {@link RequestHandle.signal}, once it was asked for. */
  #controller: AbortController | null = null;
  #followed: SessionLink | null = null;
  #stopFollowing: (() => void) | null = null;

  constructor(kernel: Kernel, facts: RequestFacts) {
    this.#kernel = kernel;
    this.#credential = facts.credential;
    this.#legacy = facts.legacy;
    this.tokenSent = facts.tokenSent;
    this.#persistent = facts.persistent;
    this.#delivery = facts.delivery;
  }

  async load(): Promise<SessionDraft<Data> | null> {
    await this.lookUp();
    return this.current;
  }

  get current(): SessionDraft<Data> | null {
    const unit = this.#soleUnit();
    if (unit) return this.draftOf(unit);
    if (!this.#link) return null;
    this.#own ??= new SessionDraft<Data>(this.#link);
    return this.#own;
  }

  get responseHeaders(): Headers {
    return this.#delivery.headers;
  }

  /** To be called by an adapter when the response's headers have been sent. */
  sealResponse(): void {
    this.#delivery.seal();
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#link) this.#followEnd(this.#link);
    return this.#controller.signal;
  }

  /** To be called when the connection is closed: nobody can be listening to signals any more. */
  close(): void {
    this.#releaseSignals();
  }

  async create(data: Input): Promise<NewSession<Data>> {
    this.#delivery.assertWritable();
    await this.#ensureLoaded().catch(ignoreUnreadable);
    const previous = this.#link;
    const { snapshot, hash, token } = await this.#kernel.create(data);
    if (previous) await this.#endReplaced(previous);
    this.#credential = parseToken(token, this.#kernel.settings.tokenPrefix);
    this.#legacy = undefined;
    this.#loading = Promise.resolve();
    const link = this.#linkTo(snapshot, [hash], true);
    const session = new SessionDraft<Data>(link, token);
    this.#own = session;
    // Where it is certain which unit created it, what that unit goes on to change is saved with it.
    const unit = this.#soleUnit();
    if (unit) unit.session = session;
    this.#delivery.issued(token, lifetimeOf(snapshot, this.#kernel.settings));
    return withToken(session);
  }

  async list(): Promise<SessionInfo<Data>[]> {
    await this.lookUp();
    const link = this.#link;
    if (!link) return [];
    const { ownerId, id } = link.snapshot.record;
    const snapshots = ownerId === undefined ? [link.snapshot] : await this.#kernel.listFor(ownerId);
    return snapshots.map((each) => ({ ...sessionInfo<Data>(each), isCurrent: each.record.id === id }));
  }

  async destroy(id: string): Promise<boolean> {
    await this.lookUp();
    const link = this.#link;
    if (!link || !isSessionId(id)) return false;
    const { record } = link.snapshot;
    if (id === record.id) {
      const existed = await this.#kernel.destroy(record, 'destroyed');
      link.onEnded();
      return existed;
    }
    if (record.ownerId === undefined) return false;
    const other = await this.#kernel.store.find(id);
    if (other?.ownerId !== record.ownerId) return false;
    return this.#kernel.destroy(other, 'destroyed');
  }

  async destroyOthers(): Promise<number> {
    await this.lookUp();
    const record = this.#link?.snapshot.record;
    return record?.ownerId === undefined ? 0 : this.#kernel.destroyFor(record.ownerId, record.id);
  }

  /**
   * A unit that is known of from now on, though its session is still to be loaded by {@link begin}: until then, whoever prepares it is
   * not taken for another unit that runs, and the others of its batch wait for it. It is to be ended in any case.
   */
  enlist(): Unit<Data> {
    const unit: Unit<Data> = { session: null, key: undefined, finished: false };
    this.#units = [...this.#units, unit];
    return unit;
  }

  /** The open unit that an adapter has given this key. */
  unitOf(key: object): Unit<Data> | undefined {
    return this.#units.find((unit) => unit.key === key);
  }

  /**
   * Opens a unit with a draft of its own. Counted from the call on, so that units that begin together know of each other while
   * the session is loading.
   */
  async begin(unit = this.enlist()): Promise<Unit<Data>> {
    try {
      await this.lookUp();
      this.draftOf(unit);
      return unit;
    } catch (error) {
      this.end(unit);
      throw error;
    }
  }

  /**
   * The unit's own draft of the session that the request has now: after a create or a nested login, of the new one. Unlike
   * {@link current} it is certain whose it is, also while other units run.
   */
  draftOf(unit: Unit<Data>): SessionDraft<Data> | null {
    if (!this.#link) return null;
    if (!unit.session || !this.#belongsToCurrent(unit.session)) unit.session = new SessionDraft<Data>(this.#link);
    return unit.session;
  }

  /**
   * Saves what a unit that succeeded has changed. With `holdMs` the write waits that long at most for the units that run beside it, so that
   * a batch makes one write.
   */
  async commit(unit: Unit<Data>, holdMs = 0): Promise<void> {
    try {
      if (!unit.session?.isDirty) return;
      unit.finished = true;
      // Those that waited for this one go into the same write.
      if (!this.#othersRun()) this.#wake();
      else if (holdMs > 0) await this.#othersFinish(holdMs);
      await unit.session.autosave();
    } finally {
      this.end(unit);
    }
  }

  /** Closes a unit. What it changed and did not save is dropped. */
  end(unit: Unit<Data>): void {
    unit.finished = true;
    this.#units = this.#units.filter((each) => each !== unit);
    unit.session?.releaseSignal();
    // After the last unit nobody of the request is left to listen; of a connection there may be.
    if (this.#units.length === 0 && !this.#persistent) this.#releaseSignals();
    if (!this.#othersRun()) this.#wake();
  }

  /** The unit goes on as a stream, for as long as it takes: nobody waits for it any more. It is to be ended all the same. */
  detach(unit: Unit<Data>): void {
    unit.finished = true;
    if (!this.#othersRun()) this.#wake();
  }

  /** What logs may see of it: the response's headers, with the token on them, are not among that. */
  toJSON(): object {
    return { current: this.current };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  /** For a failure that nobody is left to be told of. */
  report(error: unknown): void {
    this.#kernel.settings.logger?.error(`token-sessions: what a request changed could not be saved: ${describeError(error)}`);
  }

  /** @throws `STEP_UP_REQUIRED` when the user of the session proved who they are more than `maxAge` ms ago. */
  assertFresh(session: Session<Data>, maxAge: number): void {
    if (this.#kernel.settings.now() - session.authenticatedAt <= maxAge) return;
    throw new SessionError(
      'STEP_UP_REQUIRED',
      `the user proved who they are more than ${maxAge} ms ago: have them do so again, then call rotate({ reauthenticated: true })`,
      { maxAge },
    );
  }

  async #endReplaced(link: SessionLink): Promise<void> {
    // The request goes on with another session: its own signal does not follow this one any more.
    this.#followed = null;
    await this.#kernel.destroy(link.snapshot.record, 'replaced');
    endLink(link);
  }

  /** Aborts the request's signal when this session ends, unless another has taken its place. */
  #followEnd(link: SessionLink): void {
    if (this.#followed === link && this.#stopFollowing) return;
    this.#followed = link;
    this.#stopFollowing = watchEnd(link, (reason) => {
      if (this.#followed === link) this.#controller?.abort(reason);
    });
  }

  #releaseSignals(): void {
    this.#own?.releaseSignal();
    this.#stopFollowing?.();
    this.#stopFollowing = null;
  }

  /** Whether `session` is a draft of the session that this request has now. */
  #belongsToCurrent(session: SessionDraft<Data>): boolean {
    return this.#link?.snapshot.record.id === session.id;
  }

  /** The only unit whose code can be running now. Streams count when there is nothing else. */
  #soleUnit(): Unit<Data> | undefined {
    const running = this.#units.filter((each) => !each.finished);
    const [unit, another] = running.length > 0 ? running : this.#units;
    return another ? undefined : unit;
  }

  #othersRun(): boolean {
    return this.#units.some((unit) => !unit.finished);
  }

  #othersFinish(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      this.#wakeHeld.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    const held = this.#wakeHeld;
    if (held.length === 0) return;
    this.#wakeHeld = [];
    for (const wake of held) wake();
  }

  /** Loads the session; on a connection, for each call anew. */
  lookUp(): Promise<void> {
    return this.#persistent ? this.#revalidate() : this.#ensureLoaded();
  }

  #ensureLoaded(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  #load(): Promise<void> {
    const credential = this.#credential;
    if (!credential) return Promise.resolve();
    return this.#kernel.authenticate(credential, this.#claim()).then((snapshot) => {
      if (!snapshot) return;
      if (this.#link?.snapshot.record.id === snapshot.record.id) this.#link.snapshot = snapshot;
      else this.#linkTo(snapshot, [credential.hash], false);
    });
  }

  #claim(): LegacyClaim | undefined {
    if (!this.#legacy) return undefined;
    const { answered, ...token } = this.#legacy;
    const delivery = this.#delivery;
    const deliver = answered && delivery.isWritable() ? delivery.issued.bind(delivery) : null;
    return { ...token, deliver };
  }

  /**
   * Looks the session up for one more call of a connection. Every call looks for itself: one that joined a look-up under way
   * could miss an end that was answered before it came.
   */
  async #revalidate(): Promise<void> {
    // A first look-up that failed was its own call's trouble.
    if (this.#loading) await this.#loading.catch(() => undefined);
    const link = this.#link;
    // What one call did with it, outside any unit, is not for the next to see.
    this.#own = null;
    if (!link) {
      this.#loading = this.#load();
      return this.#loading;
    }
    const snapshot = await this.#kernel.revalidate(link.snapshot.record.id, link.hashes ?? []);
    if (this.#link !== link) return;
    if (!snapshot) this.#unlink(link);
    else if (snapshot.order > link.snapshot.order) link.snapshot = snapshot;
  }

  #linkTo(snapshot: Snapshot, hashes: string[], isNew: boolean): SessionLink {
    const link: SessionLink = {
      kernel: this.#kernel,
      snapshot,
      hashes,
      isNew,
      delivery: this.#delivery,
      ended: false,
      watches: new Map(),
      onEnded: () => {
        this.#unlink(link);
        this.#delivery.ended();
      },
    };
    this.#link = link;
    this.#own = null;
    if (this.#controller) this.#followEnd(link);
    return link;
  }

  #unlink(link: SessionLink): void {
    endLink(link);
    if (this.#link !== link) return;
    this.#link = null;
    this.#own = null;
  }
}

/** What a list shows of a session. */
export function sessionInfo<Data>({ record, state, data, deadline }: Snapshot): Omit<SessionInfo<Data>, 'isCurrent'> {
  return {
    id: record.id,
    createdAt: record.createdAt,
    lastActiveAt: state.lastActiveAt,
    expiresAt: deadline,
    data: reveal<Data>(cloneJson(data)),
  };
}

function hasToken<Data>(session: SessionDraft<Data>): session is SessionDraft<Data> & NewSession<Data> {
  return session.token !== undefined;
}

/** A session that was just created, typed as one. */
export function withToken<Data>(session: SessionDraft<Data>): NewSession<Data> {
  if (hasToken(session)) return session;
  throw new SessionError('NOT_SUPPORTED', 'a session without its token is not a new one');
}

/** A stored session that cannot be read does not keep its holder from logging in anew. */
function ignoreUnreadable(error: unknown): void {
  if (!(error instanceof SessionError) || error.code !== 'INVALID_DATA') throw error;
}
