import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TimeLimit, Timeout } from '../../../src/core/kernel/time-limit.js';
import { countTimers } from '../../support/timers.js';

/** A call that is answered when the test wants it. */
function pendingCall() {
  let answer: (value: unknown) => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<unknown>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { run: () => promise, answer, fail };
}

describe('the time limit of calls', () => {
  let timers: () => number;
  beforeEach(() => {
    vi.useFakeTimers();
    timers = countTimers('/time-limit.ts');
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  test('each call has its own time, though all share one timer', async () => {
    const limit = new TimeLimit(100);
    const outcomes: string[] = [];
    const watch = (name: string, promise: Promise<unknown>) =>
      promise.then(
        () => outcomes.push(`${name} answered`),
        (error: unknown) => outcomes.push(`${name} ${error instanceof Timeout ? 'late' : String(error)}`),
      );
    const [first, second, third] = [pendingCall(), pendingCall(), pendingCall()];
    watch('first', limit.within(first.run));
    await vi.advanceTimersByTimeAsync(40);
    watch('second', limit.within(second.run));
    await vi.advanceTimersByTimeAsync(40);
    watch('third', limit.within(third.run));
    expect(timers()).toBe(1);
    await vi.advanceTimersByTimeAsync(19);
    expect(outcomes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['first late']);
    second.answer(undefined);
    await vi.advanceTimersByTimeAsync(79);
    expect(outcomes).toEqual(['first late', 'second answered']);
    await vi.advanceTimersByTimeAsync(1);
    expect(outcomes).toEqual(['first late', 'second answered', 'third late']);
    expect(timers()).toBe(0);
  });

  test('calls that began at the same time expire at the same time, and the others continue', async () => {
    const limit = new TimeLimit(100);
    const calls = Array.from({ length: 5 }, pendingCall);
    const outcomes = calls.map(({ run }) => limit.within(run).catch((error: unknown) => error));
    calls[1]?.answer('in the middle');
    calls[4]?.answer('at the end');
    await vi.advanceTimersByTimeAsync(100);
    const seen = (await Promise.all(outcomes)).map((outcome) => (outcome instanceof Timeout ? 'late' : outcome));
    expect(seen).toEqual(['late', 'in the middle', 'late', 'late', 'at the end']);
  });

  test('no timer runs after the last answer, and the next call has its whole time', async () => {
    const limit = new TimeLimit(100);
    await expect(limit.within(async () => 1)).resolves.toBe(1);
    expect(timers()).toBe(0);
    await vi.advanceTimersByTimeAsync(60);
    const outcome = limit.within(pendingCall().run).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(99);
    expect(timers()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await outcome).toBeInstanceOf(Timeout);
  });

  test.each(['answer', 'fail'] as const)(
    'a late outcome is dropped (%s), and the failure is explained once',
    async (how) => {
      const limit = new TimeLimit(100);
      const explain = vi.fn((error: unknown) => error);
      const late = pendingCall();
      const outcome = limit.answer(late.run, (value) => value, explain).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(100);
      late[how](new Error('too late'));
      expect(await outcome).toBeInstanceOf(Timeout);
      expect(explain).toHaveBeenCalledTimes(1);
      // Nor does it take the place of another call.
      const next = limit.within(pendingCall().run).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(100);
      expect(await next).toBeInstanceOf(Timeout);
    },
  );

  test('a call that throws synchronously fails like any other', async () => {
    const limit = new TimeLimit(100);
    const broken = limit.answer(
      () => {
        throw new Error('at once');
      },
      (value) => value,
      (error) => `explained: ${error}`,
    );
    await expect(broken).rejects.toBe('explained: Error: at once');
    expect(timers()).toBe(0);
  });

  test('processing an answer has no time limit, and its failures are not explained', async () => {
    const limit = new TimeLimit(100);
    const explain = vi.fn((error: unknown) => error);
    expect(
      await limit.answer(
        async () => 1,
        async (value) => value + 1,
        explain,
      ),
    ).toBe(2);
    const unusable = () => {
      throw new Error('unusable');
    };
    await expect(limit.answer(async () => 1, unusable, explain)).rejects.toThrow('unusable');
    const slow = pendingCall();
    const outcome = limit.answer(async () => 1, slow.run, explain);
    await vi.advanceTimersByTimeAsync(1_000);
    slow.answer('after the time of the call');
    expect(await outcome).toBe('after the time of the call');
    expect(explain).not.toHaveBeenCalled();
  });
});
