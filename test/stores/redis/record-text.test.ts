import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSessionError } from '../../../src/core/error.js';
import { decodeRecord, encodeRecord } from '../../../src/stores/redis/record-text.js';
import { record } from './records.js';

const LAST = 8.64e15;

describe('a record as one string', () => {
  test('invariant 9: a stored record comes back exactly, for every owner, time and body', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('\n', '"', '\\', '\ud800', '\u0000', '{', 'é', 'a') }),
    );
    const time = fc.integer({ min: 0, max: LAST });
    const records = fc.record(
      {
        version: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        ownerId: text.filter((owner) => owner !== ''),
        createdAt: time,
        expiresAt: time,
        body: text,
      },
      { requiredKeys: ['version', 'createdAt', 'expiresAt', 'body'] },
    );
    fc.assert(
      fc.property(records, fc.option(time, { nil: undefined }), (fields, until) => {
        const given = { ...record(), ...fields };
        expect(decodeRecord(given.id, encodeRecord(given, until))).toEqual(given);
      }),
      { numRuns: 2_000 },
    );
  });

  test('the text is well-formed, whatever the owner', () => {
    const value = encodeRecord(record({ ownerId: '\ud800"\n' }), 1);
    expect(new TextDecoder().decode(new TextEncoder().encode(value))).toBe(value);
  });

  test('an unreadable text is an error that quotes nothing of it', () => {
    const { id } = record();
    const good = encodeRecord(record({ ownerId: 'a"b' }), 1);
    const damaged = [
      '',
      'damaged',
      '{"cookie":{}}',
      `2${good.slice(1)}`,
      good.slice(0, good.lastIndexOf('\n')),
      good.replace('\n', '\nsecret'),
      good.replace('a\\"b"', 'a\\"b'),
      good.replace('"a\\"b"', '"a'),
      '1\n1\n1\n\n\n{}',
      '1v\n\n1\n\n\n{}',
      '1v\n1\n1.5\n\n\n{}',
    ];
    for (const value of damaged) {
      const error = caught(() => decodeRecord(id, value));
      expect(isSessionError(error) && error.code, value).toBe('INVALID_DATA');
      expect(String(error)).toContain(id);
      expect(String(error)).not.toMatch(/secret|a"b/);
    }
  });
});

function caught(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}
