import { type Duration, parseDelay } from '../../core/duration.js';
import { checkOptions } from '../../core/options.js';
import type { SessionStore } from '../../core/store.js';
import { sum } from '../shared/steps.js';
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
 * A `SessionStore` over a callback store. It has those optional verbs for which the callback store
 * has the methods.
 */
export interface ExpressStore extends SessionStore {
  /** Such a store cannot compare and swap: see {@link expressStore}. */
  readonly atomic: false;
}

/**
 * Makes a store in the style of express-session a `SessionStore`.
 *
 * Such a store has no compare-and-swap. Within this process, the operations on one session run one
 * after the other, for all users of the same store object. So races within the process are as safe
 * as with any other store. Between processes a write may be lost. A write that runs while another
 * process ends the session may restore it. The library logs a warning about this, once. A read is
 * one `get`. A write is a `get` and a `set`. Ending a session is a `get` and a `destroy`.
 *
 * The fields of the data are written at the top level, so that express-session can read them. Its
 * changes to these fields count. Data must be an object without fields that express-session or its
 * stores use. Otherwise the write fails with `INVALID_DATA`. `count` and `clear` cover everything
 * in the store. The store may forget a session without limits after ten years without a write.
 *
 * The ids of sessions are the keys. Do not let `express-token-session` use the same keys, because
 * it accepts a key as a token.
 *
 * @example
 * const store = expressStore(new RedisStore({ client }));
 * const sessions = createSessions<{ userId: string }>({ store });
 *
 * @throws `INVALID_OPTION`
 */
export function expressStore(store: CallbackStore, options: ExpressStoreOptions = {}): ExpressStore {
  checkOptions(options, 'expressStore(store, options)');
  const patience = parseDelay(options.callbackTimeout ?? '10s', 'callbackTimeout');
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

function capabilities(store: CallbackStore, verbs: Verbs): Pick<SessionStore, 'count' | 'clear' | 'sweep' | 'steps'> {
  const { length, clear, all } = store;
  const count =
    typeof length === 'function' ? () => verbs.count((callback) => length.call(store, callback)) : undefined;
  const empty = typeof clear === 'function' ? () => verbs.clear((callback) => clear.call(store, callback)) : undefined;
  const sweep =
    typeof all === 'function' ? (now: number) => verbs.sweep((callback) => all.call(store, callback), now) : undefined;
  return {
    ...(count && { count }),
    ...(empty && { clear: empty }),
    ...(sweep && { sweep: (now: number) => sum(sweep(now)) }),
    // Only a sweep looks at the sessions one by one.
    ...(sweep && {
      steps: {
        sweep,
        ...(count && { count: () => once(count) }),
        ...(empty && {
          clear: () =>
            once(async () => {
              const before = (await count?.()) ?? 0;
              await empty();
              return before;
            }),
        }),
      },
    }),
  };
}

async function* once(run: () => Promise<number>): AsyncGenerator<number> {
  yield await run();
}
