import { type Observable, observable } from '@trpc/server/observable';
import { isSessionError, withoutStack } from '../../core/error.js';
import { type EndWatch, endingIterator } from '../../core/session/ending-iterator.js';
import { sessionFailure } from './errors.js';

/** The call whose changes a stream makes. */
export interface StreamOwner {
  /**
   * Watches for the end of the session that opened the stream. Then the client gets an error, and
   * the body must clean up.
   */
  readonly onEnd: EndWatch | undefined;
  /** The body is about to run. May be called more than once. */
  start(): void;
  /** Saves the changes of the body so far, if there are any. Rejects with a `TRPCError`. */
  save(): Promise<void> | undefined;
  /** The body has ended. Its unsaved changes are dropped. May be called more than once. */
  end(): void;
}

type Iteration = AsyncIterator<unknown, unknown, unknown>;

/**
 * Whether a value comes from an `async function*`. Its body has not run yet, and runs in the call.
 */
export function isGenerator(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object AsyncGenerator]';
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown, unknown, unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

/**
 * The same values. Each is passed on after the changes before it are saved. The last changes are
 * saved when the body ends well, which includes a client that left. They are dropped when it
 * throws.
 */
export function ownedIterable(
  source: AsyncIterable<unknown, unknown, unknown>,
  owner: StreamOwner,
): AsyncIterable<unknown, unknown, unknown> {
  const open = () => ownedIterator(source[Symbol.asyncIterator](), owner);
  // A generator is an iterable and an iterator in one, so its substitute must be both.
  return 'next' in source ? open() : { [Symbol.asyncIterator]: open };
}

/**
 * Ends the stream with `UNAUTHORIZED` when the session ends. A client does not reconnect after
 * that error. After the end of a stream, or another error, it would.
 */
function ownedIterator(source: Iteration, owner: StreamOwner): AsyncIterableIterator<unknown, unknown, unknown> {
  const { onEnd } = owner;
  const { iterator, abandon } = savingIterator(source, owner);
  if (!onEnd) return iterator;
  const watch: EndWatch = (listener) =>
    onEnd((reason) => {
      abandon();
      listener(reason);
    });
  return endingIterator(iterator, watch, (reason, _resolve, reject) => reject(clientError(reason)));
}

/** After `abandon`, nothing is saved. */
function savingIterator(source: Iteration, owner: StreamOwner) {
  const steps = stepsOf(source);
  let over = false;
  const abandon = (): void => {
    over = true;
    owner.end();
  };
  const fail = (error: unknown): never => {
    abandon();
    throw clientError(error);
  };
  const conclude = (result: IteratorResult<unknown, unknown>): IteratorResult<unknown, unknown> => {
    if (result.done) owner.end();
    return result;
  };
  const handOn = (result: IteratorResult<unknown, unknown>) => {
    const saving = over ? undefined : owner.save();
    if (!saving) return conclude(result);
    return saving.then(
      () => conclude(result),
      (error: unknown) => cleanUp(source).then(() => fail(error)),
    );
  };
  const step = (pending: Promise<IteratorResult<unknown, unknown>>) => pending.then(handOn, fail);
  /** A step that still runs when the source has closed may fail. So its changes are not saved. */
  const close = (returned: Promise<IteratorResult<unknown, unknown>>) =>
    returned.then((result) => {
      if (!steps.isRunning()) return handOn(result);
      abandon();
      return result;
    }, fail);
  const iterator: AsyncIterableIterator<unknown, unknown, unknown> = {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: (...args) => {
      owner.start();
      return step(steps.next(...args));
    },
    // Written by hand: `return` of an async generator would queue behind a pending `next`, and
    // never reach the source.
    return: (value) => {
      const returned = source.return?.(value) ?? Promise.resolve({ done: true, value });
      // tRPC also calls `return` after a throw. Then nothing is saved.
      return over ? returned : close(returned);
    },
    throw: (error) => step(source.throw?.(error) ?? Promise.reject(error)),
  };
  return { iterator, abandon };
}

/** The steps of a source, and whether one is running. */
function stepsOf(source: Iteration) {
  let running = 0;
  const settled = (): void => {
    running -= 1;
  };
  return {
    isRunning: () => running > 0,
    next: (...args: [] | [unknown]): Promise<IteratorResult<unknown, unknown>> => {
      running += 1;
      const result = source.next(...args);
      result.then(settled, settled);
      return result;
    },
  };
}

/** Makes the body clean up, because its changes cannot be saved. */
async function cleanUp(source: Iteration): Promise<void> {
  await source.return?.().then(undefined, () => undefined);
}

/** The body's own errors stay as they are. tRPC recognises an abort by them. */
function clientError(error: unknown): unknown {
  return isSessionError(error) ? withoutStack(() => sessionFailure(error)) : error;
}

/** {@link ownedIterable} for an observable. Its changes are saved when it completes. */
export function ownedObservable(
  source: Observable<unknown, unknown>,
  owner: StreamOwner,
): Observable<unknown, unknown> {
  return observable((observer) => {
    owner.start();
    const subscription = source.subscribe({
      next: (value) => observer.next(value),
      error: (error) => {
        owner.end();
        observer.error(clientError(error));
      },
      complete: () => {
        const saved = Promise.resolve(owner.save()).finally(() => owner.end());
        saved.then(
          () => observer.complete(),
          (error: unknown) => observer.error(error),
        );
      },
    });
    const stop = owner.onEnd?.((reason) => {
      subscription.unsubscribe();
      owner.end();
      observer.error(clientError(reason));
    });
    return () => {
      stop?.();
      subscription.unsubscribe();
      owner.end();
    };
  });
}
