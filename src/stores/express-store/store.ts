import { type Duration, parseDuration } from '../../core/duration.js';
import { isSessionError, SessionError } from '../../core/error.js';
import type { SessionRecord, SessionStore } from '../../core/store.js';
import { type CallbackStore, checkStore, isMissing } from './callback-store.js';
import { type Connection, call, connectionTo, type Start } from './connection.js';
import { RESERVED, unreadable, unwrap, wrap } from './envelope.js';

/** The options of {@link expressStore}. */
export interface ExpressStoreOptions {
  /**
   * How long a call may go without calling back before it is given up, and what waits behind it goes on. Default `'10s'`; keep it above
   * `storeTimeout`. Nobody waits that long, but until then no other write of the same session begins.
   */
  readonly callbackTimeout?: Duration | undefined;
}

/** A `SessionStore` made of a callback store. The optional capabilities are there where the callback store has what they need. */
export interface ExpressStore extends SessionStore {
  readonly atomic: false;
}

/**
 * A store in the style of express-session as a `SessionStore`.
 *
 * Such a store has no compare-and-swap. Within this process the operations on one session run one after the other, for everybody who uses
 * the same store object, so that in-process races are as safe as with any other store. Between processes a write may be
 * lost, and one that is under way while another process ends the session may bring it back: the library says so once, through its logger.
 * A read is one `get`; a write is a `get` and a `set`, and ending a session a `get` and a `destroy`.
 *
 * What is written has the data's fields flat at the top level, for express-session to read; what express-session changes there holds.
 * The ids of sessions are the keys: do not let `express-token-session` use the same keys, as it takes a key for a token.
 *
 * @throws `INVALID_OPTION`
 */
export function expressStore(store: CallbackStore, options: ExpressStoreOptions = {}): ExpressStore {
  const patience = parseDuration(options.callbackTimeout ?? '10s', 'callbackTimeout');
  const verbs = new Verbs(connectionTo(checkStore(store, 'expressStore')), patience);
  return {
    atomic: false,
    insert: (record, ttl) => verbs.insert(record, ttl),
    find: (id) => verbs.find(id),
    replace: (record, expectedVersion, ttl) => verbs.replace(record, expectedVersion, ttl),
    delete: (id) => verbs.delete(id),
    ...capabilities(store, verbs),
  };
}

function capabilities(store: CallbackStore, verbs: Verbs): Pick<SessionStore, 'count' | 'clear' | 'sweep'> {
  const { length, clear, all } = store;
  return {
    ...(typeof length === 'function' && { count: () => verbs.count((callback) => length.call(store, callback)) }),
    ...(typeof clear === 'function' && { clear: () => verbs.clear((callback) => clear.call(store, callback)) }),
    ...(typeof all === 'function' && { sweep: (now: number) => verbs.sweep((callback) => all.call(store, callback), now) }),
  };
}

/** A record's id, and nothing that a store could take for a path or a pattern. */
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

class Verbs {
  readonly #connection: Connection;
  readonly #patience: number;

  constructor(connection: Connection, patience: number) {
    this.#connection = connection;
    this.#patience = patience;
  }

  async find(id: string): Promise<SessionRecord | null> {
    assertId(id);
    return this.#connection.unlessCut(() => this.#get(id));
  }

  async insert(record: SessionRecord, ttl: number): Promise<'inserted' | 'exists'> {
    return this.#inLine(record.id, async () => {
      const present = await this.#probe(record.id);
      if (present) return present.version === record.version ? 'inserted' : 'exists';
      await this.#set(record, ttl);
      return 'inserted';
    });
  }

  async replace(record: SessionRecord, expectedVersion: string, ttl: number): Promise<'replaced' | 'gone' | 'conflict'> {
    return this.#inLine(record.id, async () => {
      const present = await this.#get(record.id);
      if (!present) return 'gone';
      if (present.version !== expectedVersion) return 'conflict';
      await this.#set(record, ttl);
      return 'replaced';
    });
  }

  async delete(id: string): Promise<boolean> {
    return this.#inLine(id, async () => {
      const present = await this.#probe(id);
      if (present) await this.#destroy(id);
      this.#connection.strays.deleted(id);
      return present !== null;
    });
  }

  async count(length: Start): Promise<number> {
    const count = await this.#connection.unlessCut(() => this.#call(length));
    if (typeof count === 'number') return count;
    throw new Error(`the store's length has called back with ${typeof count}, not with a number`);
  }

  async clear(clear: Start): Promise<void> {
    await this.#connection.unlessCut(() => this.#connection.lines.runAlone(() => this.#call(clear)));
  }

  /** Looks at all sessions: for stores without an expiry of their own, now and then. */
  async sweep(all: Start, now: number): Promise<number> {
    const sessions = await this.#connection.unlessCut(() => this.#call(all));
    let removed = 0;
    for (const id of idsOf(sessions)) {
      // It may have been used, or removed, since then.
      const ended = await this.#inLine(id, async () => {
        const record = await this.#probe(id);
        if (!record?.expiresAt || record.expiresAt > now) return false;
        await this.#destroy(id);
        return true;
      });
      if (ended) removed += 1;
    }
    return removed;
  }

  /** Runs the task when those of the same session that came before it are over. */
  async #inLine<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    assertId(id);
    const { lines } = this.#connection;
    const asked = performance.now();
    return this.#connection.unlessCut(() =>
      lines.run(id, () => {
        // So that a line behind a store that does not answer cannot grow without end.
        if (performance.now() - asked > this.#patience) throw new Error('the operations on this session that came before took too long');
        return task();
      }),
    );
  }

  /** What is there, also when it cannot be read: then without a version. */
  async #probe(id: string): Promise<Partial<SessionRecord> | null> {
    try {
      return await this.#get(id);
    } catch (error) {
      if (isSessionError(error) && error.code === 'INVALID_DATA') return {};
      throw error;
    }
  }

  async #get(id: string): Promise<SessionRecord | null> {
    const { store } = this.#connection;
    return unwrap(id, await this.#call((callback) => store.get(id, callback)).catch((error) => whatIsMissing(id, error)));
  }

  async #set(record: SessionRecord, ttl: number): Promise<void> {
    const { store, strays } = this.#connection;
    const { id } = record;
    const start: Start = (callback) => store.set(id, wrap(record, ttl), callback);
    await call(start, this.#patience, {
      givenUp: () => strays.lost(id),
      // It has brought back what was deleted meanwhile.
      late: () => strays.returned(id) && this.#inLine(id, () => this.#destroy(id)).catch(() => undefined),
    });
  }

  async #destroy(id: string): Promise<void> {
    const { store } = this.#connection;
    await this.#call((callback) => store.destroy(id, callback)).catch((error) => whatIsMissing(id, error));
  }

  #call(start: Start): Promise<unknown> {
    return call(start, this.#patience);
  }
}

/** Nothing, where that is what the store's error says. */
function whatIsMissing(id: string, error: unknown): undefined {
  if (isMissing(error)) return undefined;
  if (error instanceof SyntaxError) throw unreadable(id, 'is not JSON');
  throw error;
}

function assertId(id: string): void {
  if (!ID.test(id)) throw new SessionError('INVALID_OPTION', 'a session id has to be a UUID in lower case');
}

/** The ids of the library's own sessions among those that `all` has called back with: in an array or by key, some as text. */
function idsOf(sessions: unknown): string[] {
  if (typeof sessions !== 'object' || sessions === null) return [];
  return Object.values(sessions).flatMap((session: unknown) => {
    const id = idOf(typeof session === 'string' ? parseOrNull(session) : session);
    return id === undefined ? [] : [id];
  });
}

function idOf(session: unknown): string | undefined {
  const kept: unknown = typeof session === 'object' && session !== null ? Reflect.get(session, RESERVED) : undefined;
  const id: unknown = typeof kept === 'object' && kept !== null ? Reflect.get(kept, 'id') : undefined;
  return typeof id === 'string' && ID.test(id) ? id : undefined;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
