import { nullIfInvalid } from '../error.js';
import { isSessionId } from '../record/token.js';
import type { NewSession, RequestSessions, Session, SessionInfo } from '../types.js';
import type { Call } from './call.js';
import type { HeldSession } from './held-session.js';
import { sessionInfo } from './session.js';

/**
 * The key under which an adapter finds the call behind `ctx.sessions`. It also works when another
 * copy of the package made the object.
 */
export const CALL = Symbol.for('token-sessions.call');

/** The object that users get as `ctx.sessions`. */
export class CallSessions<Data, Input = Data> implements RequestSessions<Data, Input> {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  /** A getter on the prototype: a spread copy of the object must not pass as a call. */
  get [CALL](): Call {
    return this.#call;
  }

  async load(): Promise<Session<Data> | null> {
    await this.#call.load();
    return this.current;
  }

  get current(): Session<Data> | null {
    return this.#call.shownSession as Session<Data> | null;
  }

  async create(data: Input): Promise<NewSession<Data>> {
    return (await this.#call.create(data)) as NewSession<Data>;
  }

  async list(): Promise<SessionInfo<Data>[]> {
    await this.#call.load();
    const { held, request } = this.#call;
    if (!held || held.isEnded) return [];
    const { ownerId, id } = held.snapshot.record;
    const { accounts, lifecycle } = request.services;
    const snapshots = ownerId === undefined ? [held.snapshot] : await accounts.listFor(ownerId);
    // The session that a login replaces counts as part of the new one.
    const replaced = lifecycle.replacedBy(id);
    return snapshots
      .filter(({ record }) => record.id !== replaced)
      .map((each) => ({ ...sessionInfo<Data>(each), isCurrent: each.record.id === id }));
  }

  async destroy(id: string): Promise<boolean> {
    const call = this.#call;
    await call.load().catch(nullIfInvalid);
    if (!isSessionId(id)) return false;
    if (call.unreadable?.credential.id === id) return call.destroyUnreadable();
    const { held } = call;
    if (!held) return false;
    if (id === held.id) return call.destroy(held);
    return !held.isEnded && this.#destroyOther(id, held);
  }

  async destroyOthers(): Promise<number> {
    await this.#call.load();
    const { held, request } = this.#call;
    // A caller that has been logged out meanwhile must not act for the account.
    if (!held || held.isEnded) return 0;
    const { ownerId, id } = held.snapshot.record;
    return ownerId === undefined ? 0 : request.services.accounts.destroyFor(ownerId, id);
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get responseHeaders(): Headers {
    return this.#call.request.head.read();
  }

  /** For logs. It leaves out the response's headers, which may hold the token. */
  toJSON(): object {
    return { current: this.#call.session };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }

  async #destroyOther(id: string, { snapshot: { record } }: HeldSession): Promise<boolean> {
    const { store, lifecycle } = this.#call.request.services;
    if (record.ownerId === undefined) return false;
    const other = await store.find(id);
    if (other?.ownerId !== record.ownerId) return false;
    return lifecycle.destroy(other, 'destroyed');
  }
}
