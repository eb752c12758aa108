import { expect, test, vi } from 'vitest';
import { WriteGate } from '../../../src/core/session/write-gate.js';
import { countTimers } from '../../support/timers.js';

const LONG = 60_000;

/** Whether a wait is over, checked repeatedly. */
function watch(waiting: Promise<void> | undefined): { isOver: boolean } {
  const state = { isOver: waiting === undefined };
  void waiting?.then(() => {
    state.isOver = true;
  });
  return state;
}

test('a write does not wait if no other call runs', () => {
  expect(new WriteGate().wait(LONG)).toBeUndefined();
});

test('a write that may not wait does not, even if another call runs', () => {
  const gate = new WriteGate();
  gate.enter();
  expect(gate.wait(0)).toBeUndefined();
});

test('all writes continue when the last call leaves', async () => {
  const gate = new WriteGate();
  const [first, second] = [gate.enter(), gate.enter()];
  const waits = [watch(gate.wait(LONG)), watch(gate.wait(LONG))];
  first();
  await Promise.resolve();
  expect(waits).toEqual([{ isOver: false }, { isOver: false }]);
  second();
  await vi.waitFor(() => expect(waits).toEqual([{ isOver: true }, { isOver: true }]));
});

test('a call that leaves twice counts once', async () => {
  const gate = new WriteGate();
  const leave = gate.enter();
  gate.enter();
  leave();
  leave();
  const waiting = watch(gate.wait(LONG));
  await Promise.resolve();
  expect(waiting.isOver).toBe(false);
});

test('a write continues after its time if another call takes long, and does not resolve again', async () => {
  vi.useFakeTimers();
  const timers = countTimers('/write-gate.ts');
  try {
    const gate = new WriteGate();
    const leave = gate.enter();
    const waiting = watch(gate.wait(100));
    await vi.advanceTimersByTimeAsync(99);
    expect(waiting.isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(waiting.isOver).toBe(true);
    leave();
    expect(timers()).toBe(0);
  } finally {
    vi.restoreAllMocks();
    vi.useRealTimers();
  }
});

test('the gate works again for calls that come after all have left', async () => {
  const gate = new WriteGate();
  gate.enter()();
  const leave = gate.enter();
  const waiting = watch(gate.wait(LONG));
  await Promise.resolve();
  expect(waiting.isOver).toBe(false);
  leave();
  await vi.waitFor(() => expect(waiting.isOver).toBe(true));
});

test('rule 17: leaving costs little with ten thousand calls: no list of them is searched', () => {
  const gate = new WriteGate();
  const leaves = Array.from({ length: 10_000 }, () => gate.enter());
  const waiting = gate.wait(LONG);
  for (const leave of leaves) leave();
  expect(gate.wait(LONG)).toBeUndefined();
  return waiting;
});
