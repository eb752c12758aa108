import { describe, expect, test } from 'vitest';
import { isAllowed, type Stage } from './lineage.js';
import type { Act } from './types.js';

/** Acts at times: `use` and `rotate` at one moment after the other, unless they are given moments of their own. */
const use = (token: string, ok: boolean, [from, to]: readonly [number, number]): Act => ({ kind: 'use', token, ok, from, to });
const rotate = (by: string, made: string, [from, to]: readonly [number, number], immediate = false): Act => ({
  kind: 'rotate',
  by,
  made,
  immediate,
  from,
  to,
});
const refused = (by: string, [from, to]: readonly [number, number]): Act => ({
  kind: 'rotate',
  by,
  immediate: false,
  code: 'SESSION_GONE',
  from,
  to,
});
const history = (...acts: Act[]): Stage[] => [{ acts }];

describe('the judge of rotations', () => {
  test('lets the old token work until the new one is used, through its grace, and no longer', () => {
    const race = { acts: [rotate('a', 'b', [0, 1]), use('a', true, [2, 3]), use('b', true, [4, 5]), use('a', true, [6, 7])] };
    const late = (ok: boolean): Stage => ({ acts: [use('a', ok, [8, 9]), use('b', true, [10, 11])], afterGrace: true });
    expect(isAllowed('a', [race, late(false)])).toBe(true);
    expect(isAllowed('a', [race, late(true)])).toBe(false);
  });

  test('finds two live lineages', () => {
    const both = [rotate('a', 'b', [0, 1]), rotate('a', 'c', [2, 3])];
    expect(isAllowed('a', history(...both, use('b', true, [4, 5]), use('c', true, [6, 7])))).toBe(false);
    expect(isAllowed('a', history(...both, use('b', false, [4, 5]), use('c', true, [6, 7])))).toBe(true);
  });

  test('finds a session that nobody has a token of', () => {
    expect(isAllowed('a', history(rotate('a', 'b', [0, 1]), use('b', false, [2, 3])))).toBe(false);
    expect(isAllowed('a', history(rotate('a', 'b', [0, 1]), use('a', false, [2, 3])))).toBe(false);
    expect(isAllowed('a', history(refused('a', [0, 1])))).toBe(false);
  });

  test('tries the orders of what happened at the same time', () => {
    // The use of b came between the two rotations.
    expect(
      isAllowed('a', history(rotate('a', 'b', [0, 9]), rotate('a', 'c', [0, 9]), use('b', true, [1, 9]), use('c', true, [9, 10]))),
    ).toBe(true);
    // It cannot have come before the first of them began.
    expect(isAllowed('a', history(use('b', true, [0, 1]), rotate('a', 'b', [2, 3])))).toBe(false);
  });

  test('ends the old token at once where the rotation is immediate, with what was pending', () => {
    const acts = [rotate('a', 'b', [0, 1]), rotate('a', 'c', [2, 3], true)];
    expect(isAllowed('a', history(...acts, use('a', false, [4, 5]), use('b', false, [4, 5]), refused('a', [4, 5])))).toBe(true);
    expect(isAllowed('a', history(...acts, use('a', true, [4, 5])))).toBe(false);
    expect(isAllowed('a', history(...acts, use('b', true, [4, 5])))).toBe(false);
    expect(isAllowed('a', history(...acts, rotate('a', 'd', [4, 5])))).toBe(false);
  });

  test('a reuse is that of the immediate predecessor after its grace, counts once each time, and ends the session where it is to', () => {
    const race = { acts: [rotate('a', 'b', [0, 1]), use('b', true, [2, 3])] };
    const reuse = { acts: [use('forged', false, [4, 5]), use('a', false, [6, 7]), use('b', true, [8, 9])], afterGrace: true };
    expect([0, 1, 2].map((reuses) => isAllowed('a', [race, reuse], { reuses }))).toEqual([false, true, false]);
    expect(isAllowed('a', [race, reuse], { destroyOnReuse: true })).toBe(false);
    const ended = { acts: [use('a', false, [6, 7]), use('b', false, [8, 9]), refused('b', [8, 9])], afterGrace: true };
    expect(isAllowed('a', [race, ended], { destroyOnReuse: true })).toBe(true);
    expect(isAllowed('a', [race, { acts: [use('forged', false, [4, 5]), ...ended.acts.slice(1)], afterGrace: true }])).toBe(false);
  });

  test('allows no request that failed', () => {
    expect(isAllowed('a', history({ kind: 'use', token: 'a', ok: false, code: 'CONFLICT', from: 0, to: 1 }))).toBe(false);
    expect(isAllowed('a', history({ kind: 'rotate', by: 'a', immediate: false, code: 'CONFLICT', from: 0, to: 1 }))).toBe(false);
  });
});
