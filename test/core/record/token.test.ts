import crypto, { createHash, createHmac } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  activityIn,
  type Credential,
  hasMark,
  isSessionId,
  legacyCredential,
  markOf,
  newCredential,
  newSalt,
  parseToken,
  sameHash,
  touchVersion,
} from '../../../src/core/record/token.js';

const credential = newCredential();
const { id, hash } = credential;
const token = credential.reveal('ts_');

function bytesOf(given: Credential): Buffer {
  const text = given.reveal('');
  return Buffer.from(text.slice(text.indexOf('.') + 1), 'base64url');
}

function sha256(value: string | Buffer): string {
  return createHash('sha256').update(value).digest('base64url');
}

describe('tokens', () => {
  test('rule 4: a token is prefix, id and 256 random bits; the SHA-256 of the secret is stored', () => {
    expect(token).toMatch(
      /^ts_[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\.[A-Za-z0-9_-]{43}$/,
    );
    const secret = token.slice(token.indexOf('.') + 1);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(hash).toBe(sha256(secret));
    expect(parseToken(token, 'ts_')).toMatchObject({ id, hash });
  });

  test('no two tokens are alike, and no two families', () => {
    const many = Array.from({ length: 1_000 }, () => newCredential());
    expect(new Set(many.map((each) => each.hash)).size).toBe(1_000);
    expect(new Set(many.map((each) => each.familyHash())).size).toBe(1_000);
  });

  test('a token for a given session has its id and another secret', () => {
    const other = newCredential(id);
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
  ])('a text that is %s is not a token', (_name, text) => {
    expect(parseToken(text, 'ts_')).toBeNull();
  });

  test('a token has one spelling: every other last character of a secret is refused', () => {
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

  test('isSessionId distinguishes ids from other values', () => {
    expect(isSessionId(id)).toBe(true);
    for (const other of [
      undefined,
      null,
      7,
      '',
      'x',
      `${id}x`,
      id.toUpperCase(),
      `${id.slice(0, -1)}\n`,
      '../../etc/passwd',
    ]) {
      expect(isSessionId(other)).toBe(false);
    }
  });

  test('hashes of different lengths differ without an error', () => {
    expect(sameHash(hash, hash)).toBe(true);
    expect(sameHash(hash, '')).toBe(false);
    expect(sameHash(hash, `${hash}é`)).toBe(false);
    expect(sameHash('é', 'x')).toBe(false);
    // The ends of the arrays in which they are compared are zeros.
    const short = hash.slice(0, -1);
    expect(sameHash(short, `${short}\0`)).toBe(false);
    expect(sameHash(`${short}\0`, short)).toBe(false);
    const wide = '€'.repeat(hash.length);
    expect(sameHash(hash, wide)).toBe(false);
    expect(sameHash(wide, hash)).toBe(false);
    expect(sameHash(wide, wide)).toBe(true);
    // Earlier comparisons leave nothing behind.
    expect(sameHash(hash, hash)).toBe(true);
    expect(sameHash(hash, `${hash.slice(0, -1)}é`)).toBe(false);
  });
});

describe('credentials', () => {
  const legacy = legacyCredential('express:abc', 's:abc.signature');

  test.each([
    ['a parsed token', parseToken(token, 'ts_')],
    ['a new token', credential],
    ['a successor', credential.successor(newSalt())],
    ["another library's token", legacy],
  ])('rule 4: printing %s shows only its id', (_name, given) => {
    const shown = [
      inspect(given, { showHidden: true, depth: 9, getters: false }),
      JSON.stringify(given),
      JSON.stringify({ ...given }),
      String(given),
    ];
    const secret = given === legacy ? 'signature' : (given?.reveal('').slice(37) ?? '');
    for (const text of shown) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(given?.hash);
    }
    expect(JSON.parse(JSON.stringify(given))).toEqual({ id: given?.id });
  });

  test('rule 23: the family is the first 16 bytes of the secret, and its SHA-256 recognises it', () => {
    const family = bytesOf(credential).subarray(0, 16);
    expect(credential.familyHash()).toBe(sha256(family).slice(0, 22));
    expect(credential.isOf(sha256(family).slice(0, 22))).toBe(true);
    expect(credential.isOf(newCredential().familyHash())).toBe(false);
    expect(credential.isOf(undefined)).toBe(false);
  });

  test('rule 21: a successor is the same whenever it is made, and keeps id and family', () => {
    const salt = newSalt();
    const next = credential.successor(salt);
    expect(next.reveal('ts_')).toBe(parseToken(token, 'ts_')?.successor(salt).reveal('ts_'));
    expect([next.id, next.familyHash()]).toEqual([id, credential.familyHash()]);
    expect(parseToken(next.reveal('ts_'), 'ts_')?.hash).toBe(next.hash);
    const made = createHmac('sha256', token.slice(40)).update(`token-sessions successor:${salt}`).digest();
    expect(bytesOf(next).subarray(16)).toEqual(made.subarray(16));
  });

  test('rule 21: deriving a successor needs both the old secret and the random value', () => {
    const salt = newSalt();
    const next = credential.successor(salt);
    expect(sameHash(credential.successor(newSalt()).hash, next.hash)).toBe(false);
    expect(sameHash(credential.sibling().successor(salt).hash, next.hash)).toBe(false);
    expect(Buffer.from(salt, 'base64url')).toHaveLength(16);
  });

  test('rule 21: a sibling is random and of the same family', () => {
    const [one, other] = [credential.sibling(), credential.sibling()];
    expect([one.id, one.familyHash()]).toEqual([id, credential.familyHash()]);
    expect(sameHash(one.hash, other.hash)).toBe(false);
    expect(bytesOf(one).subarray(16)).not.toEqual(bytesOf(credential).subarray(16));
  });

  test("the successor of another library's token is the same as in version 0.1.0, and adds a family", () => {
    const made = createHmac('sha256', 's:abc.signature').update('token-sessions successor:nonce').digest();
    const next = legacy.successor('nonce');
    expect(bytesOf(next)).toEqual(made);
    expect(next.familyHash()).toBe(sha256(made.subarray(0, 16)).slice(0, 22));
    expect([legacy.hash, legacy.familyHash(), legacy.isOf(undefined)]).toEqual([
      sha256('express:abc'),
      undefined,
      true,
    ]);
    expect(legacy.sibling().familyHash()).not.toBe(legacy.sibling().familyHash());
    expect(() => legacy.reveal('ts_')).toThrow(TypeError);
  });

  test("the id of another library's token never changes: it finds the sessions that were moved before", () => {
    expect(legacy.id).toBe('42c4c5b7-7d7c-7ab6-975e-e17235f01369');
    expect(legacyCredential('express:def').id).toBe('d4997925-6738-765d-98a1-8403dcc16007');
    expect(legacyCredential('a').id).toBe('217ea182-679e-764b-8e9a-5819ecd87f9a');
  });

  test('a runtime without crypto.hash makes the same hashes', () => {
    const { hash: quick } = crypto;
    try {
      Reflect.set(crypto, 'hash', undefined);
      syncBuiltinESMExports();
      expect(parseToken(token, 'ts_')?.hash).toBe(hash);
    } finally {
      Reflect.set(crypto, 'hash', quick);
      syncBuiltinESMExports();
    }
  });

  test('a mark is the first eight characters of a hash', () => {
    expect(markOf(hash)).toBe(hash.slice(0, 8));
  });

  test('a mark represents the hashes that begin with it', () => {
    expect(hasMark(hash, markOf(hash))).toBe(true);
    expect(hasMark(newCredential().hash, markOf(hash))).toBe(false);
    for (const other of ['', 'x', hash, `${markOf(hash).slice(0, 7)}é`]) expect(hasMark(hash, other)).toBe(false);
  });
});

describe('the version of a touch', () => {
  test('holds the time of the activity', () => {
    expect(activityIn(touchVersion(1))).toBe(1);
    expect(activityIn(touchVersion(Date.UTC(2030, 0, 1)))).toBe(Date.UTC(2030, 0, 1));
  });

  test('holds at most the largest time that a number can hold', () => {
    const random = 'x'.repeat(16);
    const largest = Number.MAX_SAFE_INTEGER.toString(36);
    expect(activityIn(random + largest)).toBe(Number.MAX_SAFE_INTEGER);
    expect(activityIn(`${random}0${largest}`)).toBe(0);
    expect(activityIn(`${random}zzzzzzzzzzz`)).toBe(0);
    expect(activityIn(random)).toBe(0);
    expect(activityIn(`${random}-`)).toBe(0);
  });
});
