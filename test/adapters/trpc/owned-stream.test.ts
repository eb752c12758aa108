import { describe, expect, test, vi } from 'vitest';
import { ownedIterable, type StreamOwner } from '../../../src/adapters/trpc/stream.js';
import { gate } from './support/bench.js';

function owner(save: () => Promise<void> = async () => undefined) {
  return {
    onEnd: undefined,
    start: vi.fn<StreamOwner['start']>(),
    save: vi.fn<StreamOwner['save']>(save),
    end: vi.fn<StreamOwner['end']>(),
  };
}

/** The wrapped source as an iterator. */
function iterate(source: AsyncIterable<unknown, unknown, unknown>, who: StreamOwner) {
  return ownedIterable(source, who)[Symbol.asyncIterator]();
}

describe('a stream of a unit', () => {
  test('return() does not wait for a pending next()', async () => {
    const never = new Promise<never>(() => undefined);
    const returned = vi.fn(async () => ({ done: true, value: 'cleaned' }) as const);
    const source = { [Symbol.asyncIterator]: () => ({ next: () => never, return: returned }) };
    const who = owner();
    const iterator = iterate(source, who);
    void iterator.next();
    expect(await iterator.return?.('bye')).toEqual({ done: true, value: 'cleaned' });
    expect(returned).toHaveBeenCalledWith('bye');
    expect(who.end).toHaveBeenCalled();
  });

  test('a source without return() or throw() ends as well', async () => {
    const who = owner();
    const source = { [Symbol.asyncIterator]: () => ({ next: async () => ({ done: false, value: 1 }) as const }) };
    expect(await iterate(source, who).return?.('bye')).toEqual({ done: true, value: 'bye' });
    await expect(iterate(source, who).throw?.(new Error('thrown'))).rejects.toThrow('thrown');
    expect(who.end).toHaveBeenCalledTimes(2);
  });

  test('a source that can be iterated twice stays so', async () => {
    const source = {
      async *[Symbol.asyncIterator]() {
        yield 1;
      },
    };
    const wrapped = ownedIterable(source, owner());
    for (let round = 0; round < 2; round++) {
      const values: unknown[] = [];
      for await (const value of wrapped) values.push(value);
      expect(values).toEqual([1]);
    }
  });

  test('passes on values that are sent in, errors that are thrown in, and the return value', async () => {
    async function* echo(): AsyncGenerator<unknown, string, unknown> {
      try {
        const got = yield 'ready';
        yield got;
      } catch (error) {
        yield error;
      }
      return 'the end';
    }
    const who = owner();
    const iterator = iterate(echo(), who);
    expect(await iterator.next()).toEqual({ done: false, value: 'ready' });
    expect(await iterator.next('sent')).toEqual({ done: false, value: 'sent' });
    expect(await iterator.throw?.('thrown')).toEqual({ done: false, value: 'thrown' });
    expect(who.end).not.toHaveBeenCalled();
    expect(await iterator.next()).toEqual({ done: true, value: 'the end' });
    expect(who.end).toHaveBeenCalledOnce();
    expect(who.save).toHaveBeenCalledTimes(4);
  });

  test('passes an error of the body on unchanged, because tRPC recognises an abort by it, and saves nothing', async () => {
    const abort = new DOMException('left', 'AbortError');
    const aborted = async function* (): AsyncGenerator<unknown, void> {
      yield await Promise.reject(abort);
    };
    const who = owner();
    const iterator = iterate(aborted(), who);
    await expect(iterator.next()).rejects.toBe(abort);
    await iterator.return?.();
    expect(who.save).not.toHaveBeenCalled();
    expect(who.end).toHaveBeenCalled();
  });

  test('a failing save closes the source, whether closing works, fails or does not exist', async () => {
    const failed = () => Promise.reject(new Error('not saved'));
    const next = async () => ({ done: false, value: 1 }) as const;
    const close = vi.fn(() => Promise.reject(new Error('not closed')));
    await expect(
      iterate({ [Symbol.asyncIterator]: () => ({ next, return: close }) }, owner(failed)).next(),
    ).rejects.toThrow('not saved');
    expect(close).toHaveBeenCalledOnce();
    await expect(iterate({ [Symbol.asyncIterator]: () => ({ next }) }, owner(failed)).next()).rejects.toThrow(
      'not saved',
    );
  });

  test('a client that leaves between two values: the changes of the clean-up are saved', async () => {
    const who = owner();
    async function* values(): AsyncGenerator<number, string> {
      yield 1;
      yield 2;
      return 'done';
    }
    const iterator = iterate(values(), who);
    await iterator.next();
    await iterator.next();
    expect(who.save).toHaveBeenCalledTimes(2);
    expect(await iterator.return?.('left')).toEqual({ done: true, value: 'left' });
    expect(who.save).toHaveBeenCalledTimes(3);
    expect(who.end).toHaveBeenCalled();
  });

  test('a client that leaves while a value is awaited: the step may fail, so nothing is saved', async () => {
    const who = owner();
    const never = new Promise<never>(() => undefined);
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => never,
        return: async () => ({ done: true, value: undefined }) as const,
      }),
    };
    const iterator = iterate(source, who);
    void iterator.next();
    await iterator.return?.();
    expect(who.save).not.toHaveBeenCalled();
  });

  test('a value is passed on after it is saved, and not before', async () => {
    const saved = gate();
    async function* one(): AsyncGenerator<number, void> {
      yield 1;
    }
    const received = vi.fn();
    const step = iterate(
      one(),
      owner(() => saved.opened),
    )
      .next()
      .then(received);
    await new Promise((resolve) => setImmediate(resolve));
    expect(received).not.toHaveBeenCalled();
    saved.open();
    await step;
    expect(received).toHaveBeenCalledOnce();
  });
});
