import { type Duration, parseDuration } from '../../core/duration.js';
import type { SessionStore } from '../../core/store.js';
import { type CallbackStore, checkStore } from './callback-store.js';
import { stateOf } from './store-state.js';
import { Verbs } from './verbs.js';

/** The options of {@link expressStore}. */
export interface ExpressStoreOptions {
  /**
   * How long a call may go without calling back before it is given up, and what waits behind it
   * goes on. Keep it above `storeTimeout`: requests do not wait that long, but until then no other
   * write of the same session begins.
   *
   * @default '10s'
   */
  readonly callbackTimeout?: Duration | undefined;
}

/**
 * A `SessionStore` made of a callback store. The optional capabilities are there where the
 * callback store has what they need.
 */
export interface ExpressStore extends SessionStore {
  /** Such a store cannot compare and swap: see {@link expressStore}. */
  readonly atomic: false;
}

/**
 * A store in the style of express-session as a `SessionStore`.
 *
 * Such a store has no compare-and-swap. Within this process the operations on one session run one
 * after the other, for everybody who uses the same store object, so that in-process races are as
 * safe as with any other store. Between processes a write may be lost, and one that is under way
 * while another process ends the session may bring it back: the library says so once, through its
 * logger. A read is one `get`; a write is a `get` and a `set`, and ending a session a `get` and a
 * `destroy`.
 *
 * What is written has the data's fields flat at the top level, for express-session to read; what
 * express-session changes there holds. Data has to be an object without fields that
 * express-session or its stores use: `INVALID_DATA` otherwise. `count` and `clear` are about
 * everything in the store. A session without limits may be forgotten after ten years without a
 * write.
 *
 * The ids of sessions are the keys: do not let `express-token-session` use the same keys, as it
 * takes a key for a token.
 *
 * @example
 * const store = expressStore(new RedisStore({ client }));
 * const sessions = createSessions<{ userId: string }>({ store });
 *
 * @throws `INVALID_OPTION`
 */
export function expressStore(store: CallbackStore, options: ExpressStoreOptions = {}): ExpressStore {
  const patience = parseDuration(options.callbackTimeout ?? '10s', 'callbackTimeout');
  const verbs = new Verbs(stateOf(checkStore(store, 'expressStore')), patience);
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
