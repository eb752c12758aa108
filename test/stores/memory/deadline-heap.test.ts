import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeadlineHeap } from '../../../src/stores/memory/deadline-heap.js';

/** The heap counts in steps of this length in ms. */
const STEP = 1_024;

function heapOf(...deadlines: readonly number[]): DeadlineHeap {
  const heap = new DeadlineHeap();
  heap.grow(Math.max(8, deadlines.length));
  for (const [row, deadline] of deadlines.entries()) heap.set(row, deadline);
  return heap;
}

/** The rows that are due, in the order of their removal. */
function drain(heap: DeadlineHeap, now = Number.MAX_SAFE_INTEGER): number[] {
  const rows: number[] = [];
  for (let row = heap.due(now); row !== undefined; row = heap.due(now)) {
    rows.push(row);
    heap.delete(row);
  }
  return rows;
}

describe('rows by their deadline', () => {
  test('come out earliest first, and not before their time', () => {
    const heap = heapOf(30 * STEP, 10 * STEP, 20 * STEP);
    expect(heap.due(10 * STEP - 1)).toBe(undefined);
    expect(heap.due(10 * STEP)).toBe(1);
    expect(drain(heap, 20 * STEP)).toEqual([1, 2]);
    expect(heap.size).toBe(1);
    expect(drain(heap)).toEqual([0]);
    expect(heap.due(Number.MAX_SAFE_INTEGER)).toBe(undefined);
  });

  test('come out within a step after a deadline that is not a whole number of steps', () => {
    const heap = heapOf(10 * STEP + 1);
    expect(heap.due(10 * STEP + 1)).toBe(undefined);
    expect(heap.due(11 * STEP)).toBe(0);
  });

  test('move earlier and later', () => {
    const heap = heapOf(10 * STEP, 20 * STEP, 30 * STEP, 40 * STEP);
    heap.set(3, 5 * STEP);
    heap.set(0, 50 * STEP);
    expect(heap.size).toBe(4);
    expect(drain(heap)).toEqual([3, 1, 2, 0]);
  });

  test('can be removed from any place, and inserted again', () => {
    const heap = heapOf(10 * STEP, 20 * STEP, 30 * STEP);
    heap.delete(0);
    heap.delete(0);
    heap.delete(7);
    expect(heap.size).toBe(2);
    heap.set(0, 25 * STEP);
    expect(drain(heap)).toEqual([1, 0, 2]);
  });

  test('keep their places when the heap grows', () => {
    const heap = heapOf(20 * STEP, 10 * STEP);
    heap.grow(100);
    heap.set(99, 15 * STEP);
    expect(drain(heap)).toEqual([1, 99, 0]);
  });

  test('are always due from the year 2109 on, so the caller must check the deadline', () => {
    const heap = heapOf(8.64e15);
    expect(heap.due(Date.UTC(2100, 0, 1))).toBe(undefined);
    expect(heap.due(Date.UTC(2110, 0, 1))).toBe(0);
  });

  test('with deadlines before 1970 are due from 1970 on', () => {
    const heap = heapOf(-5 * STEP);
    expect(heap.due(-1)).toBe(undefined);
    expect(heap.due(0)).toBe(0);
  });
});

test('any number of changes leaves the rows in order', () => {
  const row = fc.nat({ max: 40 });
  const change = fc.oneof(
    fc.record({ row, step: fc.nat({ max: 30 }) }),
    fc.record({ row, step: fc.constant(undefined) }),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const heap = new DeadlineHeap();
      heap.grow(41);
      const model = new Map<number, number>();
      for (const each of changes) {
        if (each.step === undefined) heap.delete(each.row);
        else heap.set(each.row, each.step * STEP);
        if (each.step === undefined) model.delete(each.row);
        else model.set(each.row, each.step);
      }
      expect(heap.size).toBe(model.size);
      const rows = drain(heap);
      expect([...rows].sort()).toEqual([...model.keys()].sort());
      const steps = rows.map((each) => model.get(each) ?? -1);
      expect(steps).toEqual([...steps].sort((a, b) => a - b));
    }),
  );
});
