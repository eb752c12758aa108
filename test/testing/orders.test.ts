import { describe, expect, test } from 'vitest';
import { TokenModel } from '../../src/testing/library/token-model.js';
import { isExplained, type Line, type TokenAct } from '../../src/testing/races/orders.js';

const GRACE = 10_000;
const CALL = { tokens: [0], replaced: false };

const load = (token: string, opened = true): TokenAct => ({ kind: 'load', token, opened });
const rotate = (made: string | undefined, how = {}): TokenAct => ({ kind: 'rotate', how, made });
const line = (...acts: TokenAct[]): Line => ({ call: CALL, acts });
const time = (now: number): TokenAct => ({ kind: 'time', now });

function explains(lines: readonly Line[], ...end: TokenAct[]): boolean {
  return isExplained({ model: new TokenModel(GRACE, 0), texts: ['a'], now: 0 }, lines, end);
}

describe('the order of observed tokens', () => {
  test('rule 21: concurrent rotations have one answer', () => {
    const others = [load('a'), load('b')];
    expect(explains([line(rotate('b')), line(rotate('b'))], ...others)).toBe(true);
    expect(explains([line(rotate('b')), line(rotate('c'))], ...others)).toBe(false);
    expect(explains([line(rotate('b')), line(rotate(undefined))], ...others)).toBe(false);
  });

  test('rule 21: an issued token opens the session, and so does its predecessor in its grace', () => {
    expect(explains([line(rotate('b'))], load('b', false))).toBe(false);
    expect(explains([line(rotate('b'))], load('b'), load('a', false))).toBe(false);
    expect(explains([line(rotate('b'))], load('b'), load('a'), time(GRACE), load('a', false), load('b'))).toBe(true);
    expect(explains([line(rotate('b'))], load('b'), time(GRACE), load('a'))).toBe(false);
  });

  test('rule 22: a plain and a reauthenticated rotation exclude each other', () => {
    const proven = rotate('c', { reauthenticated: true });
    expect(explains([line(rotate('b')), line(proven)])).toBe(false);
    expect(explains([line(rotate(undefined)), line(proven)], load('c'))).toBe(true);
    expect(explains([line(rotate('b')), line(rotate(undefined, { reauthenticated: true }))], load('b'))).toBe(true);
  });

  test('rule 22: an immediate rotation ends every other token', () => {
    const immediate = rotate('c', { immediate: true });
    expect(explains([line(immediate), line(rotate('b'))], load('a', false), load('b', false), load('c'))).toBe(true);
    expect(explains([line(immediate), line(rotate('b'))], load('a', false), load('b'), load('c'))).toBe(false);
    expect(explains([line(immediate), line(rotate('d', { immediate: true }))])).toBe(false);
  });

  test('the acts of one actor keep their order', () => {
    expect(explains([line(rotate('b'), load('b')), line(load('a'))])).toBe(true);
    expect(explains([line(load('b'), rotate('b'))])).toBe(false);
    expect(explains([line(time(1), load('b', false))])).toBe(false);
  });
});
