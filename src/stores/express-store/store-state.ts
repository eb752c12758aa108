import type { CallbackStore } from './callback-store.js';
import { KeyedQueue } from './keyed-queue.js';
import { LateWrites } from './late-writes.js';

/** Starts a call to a store. The store must then call back. */
export type Start = (callback: (error?: unknown, value?: unknown) => void) => unknown;

const states = new WeakMap<object, StoreState>();

/** The state of a store. Each store object has one, so that all its users share a queue. */
export function stateOf(store: CallbackStore): StoreState {
  const known = states.get(store) ?? new StoreState(store);
  states.set(store, known);
  return known;
}

/** The state of one callback store in this process: its queue, its connection, its late writes. */
export class StoreState {
  readonly store: CallbackStore;
  readonly queue = new KeyedQueue();
  readonly lateWrites = new LateWrites();
  #connected = true;
  readonly #waiting = new Set<(reason: Error) => void>();

  constructor(store: CallbackStore) {
    this.store = store;
    store.on?.('disconnect', () => this.#disconnect());
    store.on?.('connect', () => {
      this.#connected = true;
    });
  }

  /**
   * Resolves to the outcome of `run`, or rejects as soon as the store is disconnected. A running
   * call then goes on, but its outcome is ignored.
   */
  unlessDisconnected<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (!this.#connected) return reject(disconnected());
      this.#waiting.add(reject);
      run()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  #disconnect(): void {
    this.#connected = false;
    for (const reject of this.#waiting) reject(disconnected());
    this.#waiting.clear();
  }
}

/** Called when a store does not call back in time. */
export interface Patience {
  /** The library gives the call up, and its caller gets an error. */
  givenUp(): void;
  /** The store calls back after that. */
  late(): void;
}

/**
 * Resolves to the value that the store calls back with. A store may call back never, twice,
 * immediately, or with an error and a value. It may also return a promise or throw. The call still
 * has exactly one outcome, within `patience` ms.
 */
export function call(start: Start, patience: number, after?: Patience): Promise<unknown> {
  const outcome = calledBack(start);
  return new Promise((resolve, reject) => {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      after?.givenUp();
      reject(Object.assign(new Error(`the store has not called back within ${patience} ms`), { code: 'ETIMEDOUT' }));
    }, patience);
    timer.unref();
    const settled = () => {
      clearTimeout(timer);
      if (expired) after?.late();
    };
    outcome.then(resolve, reject).then(settled);
  });
}

function calledBack(start: Start): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const returned = start((error, value) => {
      // If there is an error, the value does not count.
      if (error) reject(error);
      else resolve(value);
    });
    // Some stores are async functions too, and reject instead of calling back.
    if (isThenable(returned)) returned.then(undefined, reject);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

function disconnected(): Error {
  return Object.assign(new Error('the store is disconnected'), { code: 'ENOTCONN' });
}
