import { describe, expect, test } from 'vitest';
import type { RotateOptions } from '../../../src/index.js';
import { isAllowed, type Stage } from './lineage.js';
import { type Act, FIRST_CALL } from './types.js';

type Moments = readonly [number, number];

/** Acts at times. A call is named after the token that it came with. */
const use = (token: string, ok: boolean, [from, to]: Moments, process = 'p'): Act => ({
  kind: 'use',
  call: token,
  process,
  token,
  ok,
  from,
  to,
});
const rotate = (call: string, made: string, [from, to]: Moments, how: RotateOptions = {}): Act => ({
  kind: 'rotate',
  call,
  how,
  made,
  from,
  to,
});
const refused = (call: string, code: string, [from, to]: Moments, how: RotateOptions = {}): Act => ({
  kind: 'rotate',
  call,
  how,
  code,
  from,
  to,
});
const history = (...acts: Act[]): Stage[] => [{ acts }];
/** A call of its own that the first token has let in before the race. */
const first = (number: number) => `${FIRST_CALL} ${number}`;

describe('the judge of rotations', () => {
  test('lets the old token work until the new one is used, through its grace, and no longer', () => {
    const race = {
      acts: [rotate(first(1), 'b', [0, 1]), use('a', true, [2, 3]), use('b', true, [4, 5]), use('a', true, [6, 7])],
    };
    const late = (ok: boolean): Stage => ({
      acts: [use('a', ok, [8, 9]), use('b', true, [10, 11])],
      afterGrace: true,
    });
    expect(isAllowed('a', [race, late(false)])).toBe(true);
    expect(isAllowed('a', [race, late(true)])).toBe(false);
  });

  test('finds two answers to one token', () => {
    expect(isAllowed('a', history(rotate(first(1), 'b', [0, 1]), rotate(first(2), 'b', [0, 1])))).toBe(true);
    expect(isAllowed('a', history(rotate(first(1), 'b', [0, 1]), rotate(first(2), 'c', [0, 1])))).toBe(false);
    expect(
      isAllowed('a', history(rotate(first(1), 'b', [0, 1]), use('a', true, [2, 3]), rotate('a', 'c', [4, 5]))),
    ).toBe(false);
  });

  test('finds a session without any valid token', () => {
    expect(isAllowed('a', history(rotate(first(1), 'b', [0, 1]), use('b', false, [2, 3])))).toBe(false);
    expect(isAllowed('a', history(rotate(first(1), 'b', [0, 1]), use('a', false, [2, 3])))).toBe(false);
    expect(isAllowed('a', history(refused(first(1), 'TOKEN_REPLACED', [0, 1])))).toBe(false);
  });

  test('tries the orders of simultaneous acts', () => {
    const proven = { reauthenticated: true };
    // The plain rotation came first, or the other one.
    expect(
      isAllowed('a', history(rotate(first(1), 'b', [0, 9]), refused(first(2), 'TOKEN_REPLACED', [0, 9], proven))),
    ).toBe(true);
    expect(
      isAllowed('a', history(refused(first(1), 'TOKEN_REPLACED', [0, 9]), rotate(first(2), 'b', [0, 9], proven))),
    ).toBe(true);
    expect(
      isAllowed('a', history(refused(first(1), 'TOKEN_REPLACED', [0, 1]), rotate(first(2), 'b', [2, 3], proven))),
    ).toBe(false);
    // The use of b cannot have come before the rotation began.
    expect(isAllowed('a', history(use('b', true, [0, 1]), rotate(first(1), 'b', [2, 3])))).toBe(false);
  });

  test('lets a call rotate only if it was admitted before the first use of the new token', () => {
    const acts = [use('a', true, [0, 1]), rotate(first(1), 'b', [0, 1]), use('b', true, [2, 3])];
    expect(isAllowed('a', history(...acts, rotate('a', 'b', [4, 5])))).toBe(true);
    expect(isAllowed('a', history(...acts, refused('a', 'TOKEN_REPLACED', [4, 5])))).toBe(false);
    const late: Act = { kind: 'use', call: 'late', process: 'p', token: 'a', ok: true, from: 4, to: 5 };
    expect(isAllowed('a', history(...acts, late, rotate('late', 'b', [6, 7])))).toBe(false);
    expect(isAllowed('a', history(...acts, late, refused('late', 'TOKEN_REPLACED', [6, 7])))).toBe(true);
  });

  test('ends the old token at once where the rotation is immediate, with what was pending', () => {
    const acts = [rotate(first(1), 'b', [0, 1]), rotate(first(2), 'c', [2, 3], { immediate: true })];
    const after = refused(first(3), 'TOKEN_REPLACED', [4, 5]);
    expect(isAllowed('a', history(...acts, use('a', false, [4, 5]), use('b', false, [4, 5]), after))).toBe(true);
    expect(isAllowed('a', history(...acts, use('a', true, [4, 5])))).toBe(false);
    expect(isAllowed('a', history(...acts, use('b', true, [4, 5])))).toBe(false);
    expect(isAllowed('a', history(...acts, rotate(first(3), 'd', [4, 5])))).toBe(false);
  });

  test('a reuse is reported once by each process, and ends the session if onReuse says so', () => {
    const race = { acts: [rotate(first(1), 'b', [0, 1]), use('b', true, [2, 3])] };
    const acts = [
      use('forged', false, [4, 5]),
      use('a', false, [6, 7]),
      use('a', false, [6, 7]),
      use('a', false, [6, 7], 'q'),
    ];
    const reuse = { acts: [...acts, use('b', true, [8, 9])], afterGrace: true };
    expect([0, 1, 2, 3].map((reuses) => isAllowed('a', [race, reuse], { reuses }))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(isAllowed('a', [race, reuse], { destroyOnReuse: true })).toBe(false);
    const ended = {
      acts: [use('a', false, [6, 7]), use('b', false, [8, 9]), refused(first(1), 'SESSION_GONE', [8, 9])],
      afterGrace: true,
    };
    expect(isAllowed('a', [race, ended], { destroyOnReuse: true })).toBe(true);
    expect(
      isAllowed('a', [race, { acts: [use('forged', false, [4, 5]), ...ended.acts.slice(1)], afterGrace: true }]),
    ).toBe(false);
  });

  test('allows no request that failed', () => {
    expect(
      isAllowed(
        'a',
        history({ kind: 'use', call: 'a', process: 'p', token: 'a', ok: false, code: 'CONFLICT', from: 0, to: 1 }),
      ),
    ).toBe(false);
    expect(isAllowed('a', history(refused(first(1), 'CONFLICT', [0, 1])))).toBe(false);
  });
});
