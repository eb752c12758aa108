import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRecord, encodeBody } from '../../../src/core/record/codec.js';
import type { SessionState, TokenState } from '../../../src/core/record/state.js';
import { newCredential } from '../../../src/core/record/token.js';
import { START } from './support/tokens.js';

const { id, hash } = newCredential();

function recordOf(body: string) {
  return { id, version: 'v', createdAt: START, expiresAt: START, body };
}

function stateWith(tokens: Partial<TokenState> = {}, fields: Partial<SessionState> = {}): SessionState {
  return {
    tokens: { current: hash, ...tokens },
    authenticatedAt: START,
    lastActiveAt: START,
    stored: { a: 1 },
    ...fields,
  };
}

const time = fc.integer({ min: 0, max: 8.64e15 });
const text = fc.stringMatching(/^[\w-]{8,43}$/);
const kind = fc.constantFrom('plain' as const, 'reauthenticated' as const);
const optional = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined });
const tokenState: fc.Arbitrary<TokenState> = fc.record({
  current: text,
  family: optional(text),
  madeAt: optional(time),
  pending: optional(fc.record({ hash: text, authenticatedAt: time, madeAt: time, kind, salt: optional(text) })),
  previous: optional(
    fc.oneof(
      fc.record({
        hash: text,
        until: time,
        authenticatedAt: time,
        kind: fc.constant(undefined),
        salt: fc.constant(undefined),
      }),
      fc.record({ hash: text, until: time, authenticatedAt: time, kind, salt: optional(text) }),
    ),
  ),
  replaced: optional(fc.array(fc.record({ mark: text, until: time }), { minLength: 1, maxLength: 6 })),
  epoch: optional(text),
});
const migration = optional(
  fc.record({ stage: fc.constantFrom('copied' as const, 'proven' as const, 'done' as const), nonce: text }),
);

describe('the body of a record', () => {
  test('what is encoded is decoded', () => {
    fc.assert(
      fc.property(
        tokenState,
        time,
        time,
        migration,
        fc.jsonValue(),
        (tokens, authenticatedAt, lastActiveAt, moved, data) => {
          const state = {
            tokens,
            authenticatedAt,
            lastActiveAt,
            migration: moved,
            stored: JSON.parse(JSON.stringify(data)),
          };
          const { origin: _, ...decoded } = decodeRecord(recordOf(encodeBody(state, 1e9)));
          expect(decoded).toEqual(state);
        },
      ),
    );
  });

  test('rule 27: a session that was never rotated is what version 0.1.0 wrote, and a family', () => {
    expect(encodeBody(stateWith(), 100)).toBe(`{"v":1,"k":"${hash}","a":${START},"l":${START},"d":{"a":1}}`);
    expect(encodeBody(stateWith({ family: hash }), 100)).toBe(
      `{"v":1,"k":"${hash}","f":"${hash}","a":${START},"l":${START},"d":{"a":1}}`,
    );
  });

  test('rule 27: fields that this version does not know survive its writes, whatever their names', () => {
    const later = '"z":[1,{"x":null}],"$later":{"kept":true},"__proto__":{"p":1},"constructor":"c","a\\"\\u0000":-0';
    const body = `{"v":1,"first":true,"k":"${hash}","a":${START},"l":${START},"d":{"a":1},${later}}`;
    const read = decodeRecord(recordOf(body));
    const written = encodeBody({ ...read, stored: { b: 2 }, lastActiveAt: START + 1 }, 100);
    const expected = `{"v":1,"k":"${hash}","a":${START},"l":${START + 1},"d":{"b":2},"first":true,${later}}`;
    expect(written).toBe(expected);
    expect(encodeBody(decodeRecord(recordOf(written)), 100)).toBe(expected);
  });

  test('rule 27: fields that were left out since are not written back', () => {
    const read = decodeRecord(
      recordOf(encodeBody(stateWith({ madeAt: START, epoch: 'abcdefgh', replaced: [{ mark: 'm', until: 1 }] }), 100)),
    );
    expect(encodeBody({ ...read, tokens: { current: hash } }, 100)).toBe(encodeBody(stateWith(), 100));
  });

  test.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another format', { v: 2 }],
    ['no current hash', { k: undefined }],
    ['a hash that is a number', { k: 7 }],
    ['a family that is a number', { f: 7 }],
    ['a time that is text', { a: '7' }],
    ['a time with a fraction', { l: 0.5 }],
    ['a token time that is text', { t: '7' }],
    ['no data', { d: undefined }],
    ['a pending token that is text', { n: 'x' }],
    ['a pending token without a time', { n: ['x'] }],
    ['a pending token of a kind that is text', { n: ['x', 1, 1, 'plain'] }],
    ['a pending token of an unknown kind', { n: ['x', 1, 1, 2] }],
    ['a pending token with a number for a salt', { n: ['x', 1, 1, 0, 1] }],
    ['a previous token that is an object', { o: {} }],
    ['a previous token of an unknown kind', { o: ['x', 1, 1, -1] }],
    ['replaced tokens that do not come in pairs', { r: ['x'] }],
    ['replaced tokens in a wrong order', { r: [1, 'x'] }],
    ['an epoch that is a number', { e: 1 }],
    ['a migration of an unknown stage', { m: ['x', 3] }],
    ['a migration that is null', { m: null }],
  ])('rule 6: a body with %s is refused, and nothing of it is quoted', (_name, change) => {
    const body = { v: 1, k: hash, a: START, l: START, d: 'SECRET' };
    const bytes = typeof change === 'string' ? change : JSON.stringify({ ...body, ...change });
    let thrown: unknown;
    try {
      decodeRecord(recordOf(bytes));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'INVALID_DATA', status: 500, message: expect.not.stringContaining(id) });
    expect(String(thrown)).not.toMatch(/SECRET|[\w-]{43}/);
  });

  test.each([
    ['no time of creation', { createdAt: undefined }],
    ['a time of creation that is text', { createdAt: '7' }],
    ['a deadline with a fraction', { expiresAt: 0.5 }],
    ['a version that is a number', { version: 7 }],
  ])('rule 6: a record with %s is refused', (_name, change) => {
    const record = recordOf(encodeBody(stateWith(), 100));
    expect(decodeRecord(record).stored).toEqual({ a: 1 });
    // As a store of another author may return it.
    const damaged: typeof record = JSON.parse(JSON.stringify({ ...record, ...change }));
    expect(() => decodeRecord(damaged)).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }));
  });

  test('data that is too large is refused, to the byte', () => {
    const state = stateWith({}, { stored: 'é'.repeat(50) });
    expect(() => encodeBody(state, 101)).toThrow('takes 102 bytes');
    expect(encodeBody(state, 102)).toContain('é');
  });
});
