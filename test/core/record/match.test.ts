import { describe, expect, test } from 'vitest';
import { MINUTE, standingOf } from '../../../src/core/record/match.js';
import { Credential, newCredential } from '../../../src/core/record/token.js';
import { Bench, GRACE, START } from './support/tokens.js';

const HOUR = 3_600_000;

describe('a replaced token', () => {
  test('rule 23: opens in its grace, is refused silently for a minute more, and is a reuse afterwards', () => {
    const bench = new Bench();
    bench.replace(bench.first);
    const seen = [0, GRACE - 1, GRACE, GRACE + MINUTE - 1, GRACE + MINUTE].map((after) => {
      bench.now = START + after;
      const opened = bench.open(bench.first);
      return typeof opened === 'string' ? opened : 'open';
    });
    expect(seen).toEqual(['open', 'open', 'replaced-recently', 'replaced-recently', 'reused']);
  });

  test('rule 23: without a grace, ends with the first use of its successor', () => {
    const bench = new Bench();
    bench.grace = 0;
    bench.replace(bench.first);
    expect(bench.open(bench.first)).toBe('replaced-recently');
  });

  test.each([1, 2, 3, 8, 50])('rule 23: is recognised after %i rotations', (count) => {
    const bench = new Bench();
    let token = bench.first;
    for (let index = 0; index < count; index += 1) {
      token = bench.replace(token, index % 3 === 2 ? { immediate: true } : {});
      bench.now += 2 * MINUTE;
    }
    expect(bench.open(bench.first)).toBe('reused');
    expect(bench.open(token)).toMatchObject({ replaced: false });
  });

  test('rule 23: is a reuse right after a later rotation if it was replaced long before', () => {
    const bench = new Bench();
    const second = bench.replace(bench.first);
    bench.now += HOUR;
    const third = bench.replace(second);
    bench.now += 1;
    expect(bench.open(bench.first)).toBe('reused');
    bench.replace(third, { immediate: true });
    expect(bench.open(bench.first)).toBe('reused');
  });

  test('rule 23: is a reuse right after an immediate rotation if its grace had ended long before', () => {
    const bench = new Bench();
    const second = bench.replace(bench.first);
    bench.now += HOUR;
    bench.rotated(bench.call(second), { immediate: true });
    expect([bench.open(bench.first), bench.open(second)]).toEqual(['reused', 'replaced-recently']);
  });

  test('rule 23: is not a reuse if several rotations follow within a minute', () => {
    const bench = new Bench();
    const tokens = [bench.first];
    for (let index = 0; index < 40; index += 1) {
      tokens.push(bench.replace(tokens.at(-1) ?? bench.first, index % 5 === 4 ? { immediate: true } : {}));
      for (const each of tokens.slice(0, -2)) expect(bench.open(each)).toBe('replaced-recently');
    }
    expect(bench.state.tokens.replaced?.length).toBeLessThanOrEqual(6);
    bench.now += GRACE + MINUTE;
    for (const each of tokens.slice(0, -1)) expect(bench.open(each)).toBe('reused');
  });

  test.each([11_000, 30_000, 59_000, -11_000, -59_000])(
    'rule 23: is not a reuse on a server whose clock differs by %i ms',
    (skew) => {
      const bench = new Bench();
      bench.replace(bench.first);
      bench.now += GRACE - 1 + skew;
      expect(bench.open(bench.first)).not.toBe('reused');
    },
  );
});

describe('recognising a token', () => {
  test('rule 23: a token of the family with another secret is a reuse, any other token is unknown', () => {
    const bench = new Bench();
    const forged = new Credential(bench.first.id, bench.first.sibling().reveal('').slice(37));
    expect(bench.open(forged)).toBe('reused');
    expect(bench.open(newCredential(bench.first.id))).toBe('unknown');
  });

  test('rule 23: a session without a family knows its previous token, and gets a family with its next rotation', () => {
    const bench = new Bench();
    bench.state = { ...bench.state, tokens: { current: bench.first.hash } };
    expect(bench.open(bench.first.sibling())).toBe('unknown');
    bench.rotated(bench.call(bench.first));
    expect(bench.open(bench.first.sibling())).toBe('reused');
  });

  test('several tokens together grant the most that one of them grants', () => {
    const bench = new Bench();
    bench.now += HOUR;
    const next = bench.rotated(bench.call(bench.first), { reauthenticated: true });
    const standing = (...tokens: Credential[]) => standingOf(bench.state, tokens, bench.now);
    expect(standing(bench.first)).toEqual({ replaced: false, authenticatedAt: START });
    expect(standing(bench.first, next)).toEqual({ replaced: false, authenticatedAt: bench.now });
    bench.call(next);
    expect(standing(bench.first)).toEqual({ replaced: true, authenticatedAt: START });
    expect(standing(next, bench.first)).toEqual({ replaced: false, authenticatedAt: bench.now });
    expect(standing(bench.first, next)).toEqual({ replaced: false, authenticatedAt: bench.now });
    bench.now += GRACE;
    expect(standing(bench.first, newCredential())).toBeUndefined();
  });
});
