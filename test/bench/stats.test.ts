import { describe, expect, test } from 'vitest';
import { median, orderOf, pairedDifference, pairedRatio, pairedShare } from '../../bench/run/stats.js';

describe('the statistics of the bench', () => {
  test('the median is the one in the middle, or the mean of the two', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([9, 1, 5, 6])).toBe(5.5);
    expect(median([100, 20, 3])).toBe(20);
    expect(median([])).toBeNaN();
  });

  test('a round in which everything was slow changes no ratio', () => {
    expect(pairedRatio([2, 20, 2], [1, 10, 1])).toBe(2);
    expect(pairedRatio([2, 20, 2], [1, 5, 1])).toBe(2);
    expect(pairedDifference([5, 50, 6], [1, 46, 1])).toBe(4);
  });

  test('a share is of what is added to what is there anyway', () => {
    expect(pairedShare([12, 12, 12], [14, 14, 14], [10, 10, 10])).toBe(0.5);
  });

  test('each contestant begins a round at some time, and none always follows the same', () => {
    const rounds = [0, 1, 2, 3].map((round) => orderOf(['a', 'b', 'c'], round).join(''));
    expect(rounds).toEqual(['abc', 'acb', 'cab', 'cba']);
    expect(orderOf([], 3)).toEqual([]);
  });
});
