import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { isSessionId, mintToken, parseToken, sameHash } from '../../../src/core/record/token.js';

const { token, id, hash } = mintToken('ts_');

describe('tokens', () => {
  test('invariant 4: a token is prefix, id and 256 random bits; what is kept is the SHA-256 of the secret', () => {
    expect(token).toMatch(/^ts_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.[A-Za-z0-9_-]{43}$/);
    const secret = token.slice(token.indexOf('.') + 1);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(hash).toBe(createHash('sha256').update(secret).digest('base64url'));
    expect(parseToken(token, 'ts_')).toEqual({ id, hash });
  });

  test('no two are alike', () => {
    expect(new Set(Array.from({ length: 1_000 }, () => mintToken('ts_').hash)).size).toBe(1_000);
  });

  test('a token for a given session has its id and another secret', () => {
    const other = mintToken('ts_', id);
    expect(other.id).toBe(id);
    expect(sameHash(other.hash, hash)).toBe(false);
  });

  test.each<[string, string]>([
    ['empty', ''],
    ['a megabyte', 'ts_'.padEnd(1_000_000, 'x')],
    ['a megabyte that begins like one', token.padEnd(1_000_000, 'A')],
    ['of another prefix', token.replace('ts_', 'tx_')],
    ['without a prefix', token.slice(3)],
    ['with the id in upper case', `ts_${id.toUpperCase()}${token.slice(39)}`],
    ['with a UUIDv4', `${token.slice(0, 17)}4${token.slice(18)}`],
    ['one character short', token.slice(0, -1)],
    ['one character long', `${token}A`],
    ['with white space', `${token.slice(0, -1)} `],
    ['with a line feed', `${token.slice(0, -1)}\n`],
    ['not ASCII', `${token.slice(0, -1)}é`],
    ['with base64 instead of base64url', `${token.slice(0, -2)}+A`],
    ['with a separator other than a point', token.replace('.', ':')],
    ['in a spelling that is not canonical', `${token.slice(0, -1)}B`],
  ])('what is %s is no token', (_name, text) => {
    expect(parseToken(text, 'ts_')).toBeNull();
  });

  test('every other last character of a secret is refused: a token has one spelling', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const spellings = [...alphabet].filter((last) => parseToken(`${token.slice(0, -1)}${last}`, 'ts_'));
    expect(spellings.join('')).toBe(
      'AEIMQUYcgkosw048'
        .replace(/./g, (c) => c)
        .split('')
        .sort((a, b) => alphabet.indexOf(a) - alphabet.indexOf(b))
        .join(''),
    );
  });

  test('ids are told from other text', () => {
    expect(isSessionId(id)).toBe(true);
    for (const other of [undefined, null, 7, '', 'x', `${id}x`, id.toUpperCase(), `${id.slice(0, -1)}\n`, '../../etc/passwd']) {
      expect(isSessionId(other)).toBe(false);
    }
  });

  test('hashes of different lengths differ without an error', () => {
    expect(sameHash(hash, hash)).toBe(true);
    expect(sameHash(hash, '')).toBe(false);
    expect(sameHash(hash, `${hash}é`)).toBe(false);
    expect(sameHash('é', 'x')).toBe(false);
    const wide = '€'.repeat(hash.length);
    expect(sameHash(hash, wide)).toBe(false);
    expect(sameHash(wide, hash)).toBe(false);
    expect(sameHash(wide, wide)).toBe(true);
    // What was compared before leaves nothing behind.
    expect(sameHash(hash, hash)).toBe(true);
    expect(sameHash(hash, `${hash.slice(0, -1)}é`)).toBe(false);
  });
});
