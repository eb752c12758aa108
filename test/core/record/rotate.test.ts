import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../../src/core/record/match.js';
import { firstUse } from '../../../src/core/record/rotation.js';
import { legacyCredential, newCredential } from '../../../src/core/record/token.js';
import { Bench, GRACE, START } from './support/tokens.js';

const HOUR = 3_600_000;
const REPLACED = { kind: 'refuse', why: 'replaced' };
const WAITING = { kind: 'refuse', why: 'waiting' };

describe('rule 21: a rotation logs out no honest client', () => {
  test('callers that rotate with one token all get the same new token', () => {
    const bench = new Bench();
    const calls = [1, 2, 3].map(() => bench.call(bench.first));
    const [first, second, third] = calls.map((call) => bench.rotated(call));
    expect([second?.hash, third?.hash]).toEqual([first?.hash, first?.hash]);
    expect([second?.reveal('ts_'), second?.familyHash()]).toEqual([first?.reveal('ts_'), bench.first.familyHash()]);
  });

  test('only the first caller writes', () => {
    const bench = new Bench();
    const call = bench.call(bench.first);
    expect([bench.rotate(call), bench.rotate(call)]).toMatchObject([
      { kind: 'write', made: true },
      { kind: 'answer' },
    ]);
  });

  test('a client whose answer was lost gets the same token hours later, and the lost token still works', () => {
    const bench = new Bench();
    const lost = bench.rotated(bench.call(bench.first));
    bench.now += 5 * HOUR;
    expect(bench.rotated(bench.call(bench.first)).hash).toBe(lost.hash);
    expect(bench.open(lost)).toMatchObject({ replaced: false });
  });

  test.each([{}, { reauthenticated: true }])(
    'a call that was admitted before gets the successor after its first use (%o)',
    (request) => {
      const bench = new Bench();
      const [one, other] = [bench.call(bench.first), bench.call(bench.first)];
      const next = bench.rotated(one, request);
      bench.now += 1_000;
      bench.call(next);
      bench.now += GRACE - 1;
      expect(bench.rotated(other, request).hash).toBe(next.hash);
      expect(bench.authenticatedAt(next)).toBe('reauthenticated' in request ? bench.now : START);
      bench.now += 1;
      expect(bench.rotate(other, request)).toEqual(REPLACED);
    },
  );

  test('such a call gets nothing if the kinds differ, or if a later rotation is pending or used', () => {
    for (const [mine, theirs] of [
      [{}, { reauthenticated: true }],
      [{ reauthenticated: true }, {}],
      [{ immediate: true }, {}],
    ] as const) {
      const bench = new Bench();
      const late = bench.call(bench.first);
      bench.replace(bench.first, theirs);
      expect(bench.rotate(late, mine)).toEqual(REPLACED);
    }
    const bench = new Bench();
    const late = bench.call(bench.first);
    const next = bench.replace(bench.first);
    const last = bench.rotated(bench.call(next));
    expect(bench.rotate(late)).toEqual(REPLACED);
    bench.call(last);
    expect(bench.rotate(late)).toEqual(REPLACED);
  });

  test('the first use changes nothing where no token is pending, or another one is', () => {
    const bench = new Bench();
    expect(firstUse(bench.state, bench.first, bench)).toBe(bench.state);
    bench.rotated(bench.call(bench.first));
    expect(firstUse(bench.state, bench.first, bench)).toBe(bench.state);
  });

  test('a socket whose call rotated continues to rotate with the token it was given', () => {
    const bench = new Bench();
    const next = bench.rotated(bench.call(bench.first));
    const socket = { credentials: [bench.first, next], replaced: false };
    expect(bench.rotated(socket).hash).toBe(next.hash);
    bench.call(next);
    bench.now += HOUR;
    expect(bench.rotated(socket).hash).toBe(bench.rotated(bench.call(next)).hash);
  });

  test('a later rotation repairs a first use that the store has lost', () => {
    const bench = new Bench();
    const next = bench.rotated(bench.call(bench.first));
    const before = bench.state;
    const call = bench.call(next);
    bench.state = before;
    const last = bench.rotated(call);
    expect(bench.open(bench.first)).toMatchObject({ replaced: true });
    expect(bench.open(last)).toMatchObject({ replaced: false });
  });

  test('a derived token that does not match the record is not issued', () => {
    const bench = new Bench();
    bench.rotated(bench.call(bench.first));
    const { tokens } = bench.state;
    const pending = tokens.pending && { ...tokens.pending, salt: 'another' };
    bench.state = { ...bench.state, tokens: { ...tokens, pending } };
    expect(bench.rotate(bench.call(bench.first))).toEqual(WAITING);
  });

  test("moving another library's session is its first rotation", () => {
    const old = legacyCredential('express:abc', 's:abc.signature');
    const migration = { stage: 'done', nonce: 'nonce' } as const;
    const bench = new Bench(old, { migration, authenticatedAt: 0 });
    const calls = [bench.call(old), bench.call(old)];
    const next = bench.rotated(calls[0] ?? null);
    expect(next.hash).toBe(old.successor('nonce').hash);
    expect(bench.rotated(bench.call(old)).hash).toBe(next.hash);
    bench.call(next);
    expect(bench.state.migration).toBeUndefined();
    expect(bench.rotated(calls[1] ?? null).hash).toBe(next.hash);
    expect(bench.state.tokens.family).toBe(next.familyHash());
    bench.replace(next);
    bench.now += HOUR;
    expect(bench.open(old)).toBe('reused');
  });
});

describe('rule 22: a replaced token gains nothing', () => {
  test('in its grace it keeps its old age, and cannot rotate', () => {
    const bench = new Bench();
    bench.now += HOUR;
    const next = bench.replace(bench.first, { reauthenticated: true });
    expect([bench.authenticatedAt(bench.first), bench.authenticatedAt(next)]).toEqual([START, START + HOUR]);
    for (const request of [{}, { reauthenticated: true }, { immediate: true }]) {
      expect(bench.rotate(bench.call(bench.first), request)).toEqual(REPLACED);
    }
    expect(bench.open(next)).toMatchObject({ replaced: false });
  });

  test('a pending reauthenticated token renews only itself', () => {
    const bench = new Bench();
    bench.now += HOUR;
    const next = bench.rotated(bench.call(bench.first), { reauthenticated: true });
    expect([bench.authenticatedAt(bench.first), bench.authenticatedAt(next)]).toEqual([START, START + HOUR]);
  });

  test('while a token of one kind is pending, a rotation of the other kind is refused', () => {
    for (const [first, second] of [
      [{}, { reauthenticated: true }],
      [{ reauthenticated: true }, {}],
    ] as const) {
      const bench = new Bench();
      const next = bench.rotated(bench.call(bench.first), first);
      expect(bench.rotate(bench.call(bench.first), second)).toEqual(WAITING);
      bench.now += MINUTE - 1;
      expect(bench.rotate(bench.call(bench.first), second)).toEqual(WAITING);
      expect(bench.open(next)).toMatchObject({ replaced: false });
    }
  });

  test('a client with a pending plain token fetches it, and reauthenticates with it', () => {
    const bench = new Bench();
    bench.rotated(bench.call(bench.first));
    bench.now += HOUR;
    expect(bench.rotate(bench.call(bench.first), { reauthenticated: true })).toEqual(WAITING);
    const fetched = bench.rotated(bench.call(bench.first));
    const proven = bench.replace(fetched, { reauthenticated: true });
    expect(bench.authenticatedAt(proven)).toBe(bench.now);
  });

  test('a plain rotation replaces a reauthenticated token that is unused for a minute, but never a plain one', () => {
    const bench = new Bench();
    const unused = bench.rotated(bench.call(bench.first), { reauthenticated: true });
    bench.now += MINUTE;
    const next = bench.rotated(bench.call(bench.first));
    expect(bench.open(unused)).toBe('replaced-recently');
    expect(bench.authenticatedAt(next)).toBe(START);
    bench.now += HOUR;
    expect(bench.rotate(bench.call(bench.first), { reauthenticated: true })).toEqual(WAITING);
    expect(bench.open(unused)).toBe('reused');
    expect(bench.open(next)).toMatchObject({ replaced: false });
  });

  test('a repeated reauthenticated rotation renews the same token, and restarts its minute', () => {
    const bench = new Bench();
    const next = bench.rotated(bench.call(bench.first), { reauthenticated: true });
    bench.now += MINUTE - 1;
    expect(bench.rotate(bench.call(bench.first), { reauthenticated: true })).toMatchObject({
      kind: 'write',
      made: false,
    });
    expect(bench.authenticatedAt(next)).toBe(bench.now);
    bench.now += MINUTE - 1;
    expect(bench.rotate(bench.call(bench.first))).toEqual(WAITING);
  });

  test.each([{}, { reauthenticated: true }])(
    'immediate ends the current, the pending and the previous token (%o)',
    (request) => {
      const bench = new Bench();
      bench.now += HOUR;
      const current = bench.replace(bench.first);
      const pending = bench.rotated(bench.call(current));
      const call = bench.call(current);
      const next = bench.rotated(call, { immediate: true, ...request });
      for (const skew of [0, -5_000, -HOUR, 5_000, MINUTE + GRACE - 1]) {
        bench.now += skew;
        for (const each of [bench.first, current, pending]) expect(bench.open(each)).toBe('replaced-recently');
        expect(bench.open(next)).toMatchObject({ replaced: false });
        bench.now -= skew;
      }
      expect(bench.authenticatedAt(next)).toBe('reauthenticated' in request ? bench.now : START);
      expect(bench.rotate(call, { immediate: true })).toEqual(REPLACED);
      bench.now += MINUTE + GRACE;
      for (const each of [bench.first, current, pending]) expect(bench.open(each)).toBe('reused');
    },
  );

  test('an immediate token is random, and only its call gets it', () => {
    const bench = new Bench();
    const calls = [bench.call(bench.first), bench.call(bench.first)];
    const next = bench.rotated(calls[0] ?? null, { immediate: true });
    expect(JSON.stringify(bench.state.tokens)).not.toContain('salt');
    for (const request of [{}, { immediate: true }, { reauthenticated: true }]) {
      expect(bench.rotate(calls[1] ?? null, request)).toEqual(REPLACED);
    }
    expect(next.familyHash()).toBe(bench.first.familyHash());
  });
});

describe('find(id).rotate(): the server has no token to derive from', () => {
  test('it makes a random token of a new family, which waits for its first use', () => {
    const bench = new Bench();
    const next = bench.rotated(null);
    expect(next.id).toBe(bench.first.id);
    expect(next.familyHash()).not.toBe(bench.first.familyHash());
    expect(bench.open(bench.first)).toMatchObject({ replaced: false });
    bench.call(next);
    expect(bench.open(bench.first)).toMatchObject({ replaced: true });
    const last = bench.replace(next);
    expect(last.familyHash()).toBe(next.familyHash());
  });

  test('it does not end a token that a client has fetched or may fetch', () => {
    const bench = new Bench();
    const fetched = bench.rotated(bench.call(bench.first));
    bench.now += 24 * HOUR;
    for (const request of [{}, { reauthenticated: true }]) expect(bench.rotate(null, request)).toEqual(WAITING);
    expect(bench.open(fetched)).toMatchObject({ replaced: false });
  });

  test('a client cannot derive it: rotations are refused for a minute, then replace it', () => {
    const bench = new Bench();
    const made = bench.rotated(null);
    for (const rotate of [() => bench.rotate(bench.call(bench.first)), () => bench.rotate(null)])
      expect(rotate()).toEqual(WAITING);
    bench.now += MINUTE;
    const next = bench.rotated(bench.call(bench.first));
    expect(bench.open(made)).toBe('replaced-recently');
    expect(bench.open(next)).toMatchObject({ replaced: false });
  });

  test('with immediate, it ends every token', () => {
    const bench = new Bench();
    const pending = bench.rotated(bench.call(bench.first));
    const next = bench.rotated(null, { immediate: true, reauthenticated: true });
    for (const each of [bench.first, pending]) expect(bench.open(each)).toBe('replaced-recently');
    expect(bench.open(next)).toMatchObject({ replaced: false });
    expect(bench.open(newCredential(bench.first.id))).toBe('unknown');
  });
});
