import { describe, expect, test } from 'vitest';
import { type Ending, type EndWatch, endingIterator } from '../../../src/core/session/ending-iterator.js';

/** Calls the listener with the reason when the signal aborts. */
function abortOf(signal: AbortSignal): EndWatch {
  return (listener) => {
    const tell = () => listener(signal.reason);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell);
    return () => signal.removeEventListener('abort', tell);
  };
}

const last: Ending<string> = (reason, resolve) => resolve({ done: false, value: `ended: ${String(reason)}` });

/** An ending that takes longer than a source needs to report that it is done. */
const lastAfterTurns: Ending<string> = async (reason, resolve, reject) => {
  for (let turn = 0; turn < 10; turn += 1) await undefined;
  last(reason, resolve, reject);
};

/** A source whose values the test emits, and which counts calls of `return`. */
function manual() {
  const pending: ((result: IteratorResult<string, unknown>) => void)[] = [];
  const state = { returned: 0 };
  const source: AsyncIterator<string, unknown, unknown> = {
    next: () => new Promise((resolve) => pending.push(resolve)),
    return: async (value) => {
      state.returned += 1;
      return { done: true, value };
    },
  };
  return {
    source,
    state,
    yields: (value: string) => pending.shift()?.({ done: false, value }),
    ends: () => pending.shift()?.({ done: true, value: 'end' }),
  };
}

describe('an iterator that is ended from outside', () => {
  test('passes the values on, and their end', async () => {
    const { source, yields, ends, state } = manual();
    const iterator = endingIterator(source, abortOf(new AbortController().signal), last);
    const first = iterator.next();
    yields('a');
    expect(await first).toEqual({ done: false, value: 'a' });
    const second = iterator.next();
    ends();
    expect(await second).toEqual({ done: true, value: 'end' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(state.returned).toBe(0);
  });

  test('invariant 5: ends a waiting consumer at once and once, and returns the source without waiting for it', async () => {
    const controller = new AbortController();
    const { source, yields, state } = manual();
    source.return = () => {
      state.returned += 1;
      return new Promise(() => {});
    };
    const iterator = endingIterator(source, abortOf(controller.signal), last);
    const waiting = iterator.next();
    controller.abort('logout');
    expect(await waiting).toEqual({ done: false, value: 'ended: logout' });
    yields('late');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await iterator.return?.('bye')).toEqual({ done: true, value: 'bye' });
    await expect(iterator.throw?.(new Error('bye'))).rejects.toThrow('bye');
    expect(state.returned).toBe(1);
  });

  test('invariant 5: gives the ending to the first of several waiting consumers, and done to the others', async () => {
    const controller = new AbortController();
    const { source, yields, state } = manual();
    const iterator = endingIterator(source, abortOf(controller.signal), last);
    const waiting = [iterator.next(), iterator.next(), iterator.next()];
    yields('a');
    expect(await waiting[0]).toEqual({ done: false, value: 'a' });
    controller.abort('logout');
    const done = { done: true, value: undefined };
    expect(await Promise.all([...waiting, iterator.next()])).toEqual([
      { done: false, value: 'a' },
      { done: false, value: 'ended: logout' },
      done,
      done,
    ]);
    expect(state.returned).toBe(1);
  });

  test('invariant 5: a source that is done as soon as it is returned does not hide the ending', async () => {
    const controller = new AbortController();
    const { source, ends, state } = manual();
    source.return = async () => {
      state.returned += 1;
      ends();
      return { done: true, value: undefined };
    };
    const iterator = endingIterator(source, abortOf(controller.signal), lastAfterTurns);
    const waiting = iterator.next();
    controller.abort('logout');
    expect(await waiting).toEqual({ done: false, value: 'ended: logout' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(state.returned).toBe(1);
  });

  test('invariant 5: a source that fails when it is returned does not hide the ending', async () => {
    const controller = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const source: AsyncIterator<string, unknown, unknown> = {
      next: () => new Promise((_, reject) => (fail = reject)),
      return: async () => {
        fail(new Error('interrupted'));
        return { done: true, value: undefined };
      },
    };
    const iterator = endingIterator(source, abortOf(controller.signal), lastAfterTurns);
    const waiting = iterator.next();
    controller.abort('logout');
    expect(await waiting).toEqual({ done: false, value: 'ended: logout' });
  });

  test('invariant 5: a busy consumer receives the ending when it asks', async () => {
    const controller = new AbortController();
    const { source, state, yields } = manual();
    const iterator = endingIterator(source, abortOf(controller.signal), last);
    const first = iterator.next();
    yields('a');
    expect(await first).toEqual({ done: false, value: 'a' });
    controller.abort('logout');
    expect(state.returned).toBe(1);
    expect(await iterator.next()).toEqual({ done: false, value: 'ended: logout' });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('a signal that is already aborted ends it before it begins', async () => {
    const { source, state } = manual();
    const iterator = endingIterator(source, abortOf(AbortSignal.abort('gone')), last);
    expect(await iterator.next()).toEqual({ done: false, value: 'ended: gone' });
    expect(state.returned).toBe(1);
  });

  test('an ending can be a rejection', async () => {
    const controller = new AbortController();
    const iterator = endingIterator(manual().source, abortOf(controller.signal), (reason, _, reject) =>
      reject(new Error(String(reason))),
    );
    const waiting = iterator.next();
    controller.abort('logout');
    await expect(waiting).rejects.toThrow('logout');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('a later consumer receives the rejection too', async () => {
    const controller = new AbortController();
    const iterator = endingIterator(manual().source, abortOf(controller.signal), (reason, _, reject) =>
      reject(new Error(String(reason))),
    );
    controller.abort('logout');
    await expect(iterator.next()).rejects.toThrow('logout');
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  test('a generator that waits for the signal itself cleans up', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    let cleaned = false;
    async function* body() {
      try {
        yield 'a';
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      } finally {
        cleaned = true;
      }
    }
    const iterator = endingIterator(body(), abortOf(signal), last);
    await iterator.next();
    const waiting = iterator.next();
    controller.abort('logout');
    expect(await waiting).toEqual({ done: false, value: 'ended: logout' });
    await expect.poll(() => cleaned).toBe(true);
  });

  test('rule 17: no listener is on the signal before it begins, or after any kind of end', async () => {
    const controller = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = controller.signal;
    controller.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      return addEventListener.apply(controller.signal, args);
    };
    controller.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      return removeEventListener.apply(controller.signal, args);
    };
    const open = () => {
      const made = manual();
      return { ...made, iterator: endingIterator(made.source, abortOf(controller.signal), last) };
    };
    const [ended, returned, thrown, failed] = [open(), open(), open(), open()];
    // Hosts may drop an iterator that they have not begun.
    expect(listeners).toBe(0);
    const end = ended.iterator.next();
    void returned.iterator.next();
    void thrown.iterator.next();
    expect(listeners).toBe(3);
    ended.ends();
    await end;
    expect(await returned.iterator.return?.('x')).toEqual({ done: true, value: 'x' });
    await expect(thrown.iterator.throw?.(new Error('thrown'))).rejects.toThrow('thrown');
    failed.source.next = () => Promise.reject(new Error('failed'));
    await expect(failed.iterator.next()).rejects.toThrow('failed');
    expect(listeners).toBe(0);
    controller.abort();
    expect([ended, returned, thrown, failed].map(({ state }) => state.returned)).toEqual([0, 1, 0, 0]);
  });

  test('rule 17: a watch that ends it immediately is stopped too', async () => {
    let stopped = 0;
    const ended: EndWatch = (listener) => {
      listener('logout');
      return () => {
        stopped += 1;
      };
    };
    const iterator = endingIterator(manual().source, ended, last);
    expect(await iterator.next()).toEqual({ done: false, value: 'ended: logout' });
    expect(stopped).toBe(1);
  });

  test('sources without return, or whose return fails, end as well', async () => {
    const controller = new AbortController();
    const iterator = endingIterator({ next: () => new Promise<never>(() => {}) }, abortOf(controller.signal), last);
    const throwing = manual();
    throwing.source.return = () => {
      throw new Error('broken');
    };
    const other = endingIterator(throwing.source, abortOf(controller.signal), last);
    const waiting = [iterator.next(), other.next()];
    controller.abort('x');
    expect(await Promise.all(waiting)).toHaveLength(2);
    expect(await iterator.return?.('v')).toEqual({ done: true, value: 'v' });
    await expect(iterator.throw?.(new Error('t'))).rejects.toThrow('t');
  });
});
