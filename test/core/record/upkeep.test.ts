import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../src/core/record/match.js';
import { isRotationDue, isUntidy, mayStillWrite, remember, tidied } from '../../../src/core/record/upkeep.js';
import { Bench, GRACE, START } from './support/tokens.js';

const HOUR = 3_600_000;

describe('tidied', () => {
  test('rule 21: the random value leaves the record when the grace ends, not before', () => {
    const bench = new Bench();
    bench.replace(bench.first);
    const salt = bench.state.tokens.previous?.salt ?? '';
    expect(salt).toHaveLength(22);
    const at = (after: number) => tidied(bench.state.tokens, START + after);
    expect([isUntidy(bench.state.tokens, START + GRACE - 1), at(GRACE - 1)]).toEqual([false, bench.state.tokens]);
    expect(isUntidy(bench.state.tokens, START + GRACE)).toBe(true);
    expect(JSON.stringify(at(GRACE))).not.toContain(salt);
    expect(at(GRACE).previous?.hash).toBe(bench.first.hash);
  });

  test('rule 21: a pending token keeps its random value, however long it waits', () => {
    const bench = new Bench();
    bench.rotated(bench.call(bench.first));
    expect(isUntidy(bench.state.tokens, START + 1_000 * HOUR)).toBe(false);
    expect(tidied(bench.state.tokens, START + 1_000 * HOUR)).toBe(bench.state.tokens);
  });

  test('a minute after the grace, only the family of the previous token is kept', () => {
    const bench = new Bench();
    bench.replace(bench.first);
    bench.now += GRACE + MINUTE;
    expect(isUntidy(bench.state.tokens, bench.now)).toBe(true);
    bench.state = { ...bench.state, tokens: tidied(bench.state.tokens, bench.now) };
    expect(bench.state.tokens.previous).toBeUndefined();
    expect(isUntidy(bench.state.tokens, bench.now)).toBe(false);
    expect(bench.open(bench.first)).toBe('reused');
  });

  test('a previous token of another family is kept, because nothing else recognises it', () => {
    const bench = new Bench();
    bench.call(bench.rotated(null));
    bench.now += HOUR;
    expect(isUntidy(bench.state.tokens, bench.now)).toBe(false);
    expect(tidied(bench.state.tokens, bench.now)).toBe(bench.state.tokens);
    expect(bench.open(bench.first)).toBe('reused');
  });

  test('tokens ended by immediate are remembered for the grace and a minute', () => {
    const bench = new Bench();
    bench.rotated(bench.call(bench.first), { immediate: true });
    expect(tidied(bench.state.tokens, START + GRACE + MINUTE - 1).replaced).toHaveLength(1);
    expect(tidied(bench.state.tokens, START + GRACE + MINUTE).replaced).toBeUndefined();
  });
});

describe('remembered tokens', () => {
  const mark = (index: number, until = START + index) => ({ mark: `token-${index}`, until });

  test('one that is no longer recent leaves the record, the others stay', () => {
    const [old, recent] = [mark(1, START), mark(2, START + 1)];
    const tokens = { current: 'x', replaced: [recent, old] };
    expect(isUntidy(tokens, START + MINUTE - 1)).toBe(false);
    expect(tidied(tokens, START + MINUTE).replaced).toEqual([recent]);
    expect(tidied(tokens, START + MINUTE + 1).replaced).toBeUndefined();
  });

  test('six are remembered one by one; of more, one entry stands for the oldest and has the latest of their ends', () => {
    const six = [6, 5, 4, 3, 2, 1].map((index) => mark(index));
    expect(remember([], { current: 'x', replaced: six }, START)).toEqual(six);
    const seven = remember([mark(7)], { current: 'x', replaced: six }, START);
    expect(seven).toEqual([mark(7), mark(6), mark(5), mark(4), mark(3), { mark: '', until: START + 2 }]);
  });
});

describe('rotateEvery', () => {
  test('rule 21: a token is due when it is old enough', () => {
    const bench = new Bench();
    expect([HOUR - 1, HOUR].map((age) => isRotationDue(bench.state, START, HOUR, START + age))).toEqual([false, true]);
    bench.now += 2 * HOUR;
    bench.replace(bench.first);
    const made = bench.now;
    expect([HOUR - 1, HOUR].map((age) => isRotationDue(bench.state, START, HOUR, made + age))).toEqual([false, true]);
  });

  test('rule 21: a token is not due while its predecessor may be in its grace on some server', () => {
    const bench = new Bench();
    bench.replace(bench.first);
    const due = (after: number) => isRotationDue(bench.state, START, 1, START + after);
    expect([1, GRACE, GRACE + MINUTE - 1, GRACE + MINUTE].map(due)).toEqual([false, false, false, true]);
  });

  test('rule 21: a source writes a token only if the head is sent within the grace', () => {
    expect([0, GRACE, GRACE + 1].map((after) => mayStillWrite(START, START + after, GRACE))).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('streams', () => {
  test('rule 20: the epoch survives plain rotations, and changes with an immediate one', () => {
    const bench = new Bench();
    const epochs = [bench.state.tokens.epoch];
    const note = () => epochs.push(bench.state.tokens.epoch);
    const second = bench.replace(bench.replace(bench.first), { reauthenticated: true });
    note();
    const third = bench.rotated(bench.call(second), { immediate: true });
    note();
    bench.replace(third);
    note();
    bench.rotated(null, { immediate: true });
    note();
    expect([epochs[1] === epochs[0], epochs[3] === epochs[2], new Set(epochs).size]).toEqual([true, true, 3]);
  });
});
