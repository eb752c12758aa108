import type { CallbackStore } from './callback-store.js';
import { Lines } from './lines.js';
import { Strays } from './strays.js';

/** Starts a call to a store, which is to call back. */
export type Start = (callback: (error?: unknown, value?: unknown) => void) => unknown;

const connections = new WeakMap<object, Connection>();

/** The one connection of everybody in this process who uses the same store. */
export function connectionTo(store: CallbackStore): Connection {
  const known = connections.get(store) ?? new Connection(store);
  connections.set(store, known);
  return known;
}

/** What is known in this process of one callback store. */
export class Connection {
  readonly store: CallbackStore;
  readonly lines = new Lines();
  readonly strays = new Strays();
  #connected = true;
  readonly #waiting = new Set<(reason: Error) => void>();

  constructor(store: CallbackStore) {
    this.store = store;
    store.on?.('disconnect', () => this.#disconnect());
    store.on?.('connect', () => {
      this.#connected = true;
    });
  }

  /** The outcome of `run`, or a rejection as soon as the store is disconnected. What is under way then goes on, unheard. */
  unlessCut<Result>(run: () => Promise<Result>): Promise<Result> {
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

/** What may be done when a store does not call back in time. */
export interface Patience {
  /** Called when nobody waits any more. */
  givenUp(): void;
  /** Called when the store calls back after that. */
  late(): void;
}

/**
 * What the store calls back with. Whatever it does with its callback (never, twice, at once, with an error and a value, beside a
 * promise or an exception), the call has one outcome, within `patience` ms.
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
      // A store that has an error and a value at once cannot mean the value.
      if (error) reject(error);
      else resolve(value);
    });
    // Some are asynchronous functions as well, and reject instead of calling back.
    if (isThenable(returned)) returned.then(undefined, reject);
  });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'then') === 'function';
}

function disconnected(): Error {
  return Object.assign(new Error('the store is disconnected'), { code: 'ENOTCONN' });
}
