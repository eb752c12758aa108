import { expect, test } from 'vitest';
import { SessionError } from '../../src/index.js';
import {
  ContractError,
  ensure,
  ensureEqual,
  ensureGone,
  ensureRecord,
  present,
} from '../../src/testing/kit/assert.js';

const RECORD = { id: 'i', version: 'v', createdAt: 1, expiresAt: 2, body: '{}' };

/** The error that `run` throws. */
function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('a failure is an AssertionError that holds both values for runners to show', () => {
  const error = thrownBy(() => ensureEqual({ a: [1] }, { a: [2] }, 'the value'));
  expect(error).toBeInstanceOf(ContractError);
  expect(error).toMatchObject({
    name: 'AssertionError',
    message: 'the value: {"a":[1]} instead of {"a":[2]}',
    actual: { a: [1] },
    expected: { a: [2] },
  });
});

test("equality is JSON's: it distinguishes -0 from 0, and ignores undefined properties", () => {
  expect(() => ensureEqual({ a: -0 }, { a: 0 }, 'x')).toThrow('x: {"a":-0} instead of {"a":0}');
  expect(() => ensureEqual({ a: undefined }, {}, 'x')).not.toThrow();
  expect(() => ensureEqual(undefined, null, 'x')).toThrow('x: undefined instead of null');
  expect(() => ensureEqual(1n, 1, 'x')).toThrow('x: 1n instead of 1');
});

test('long values are shortened in messages', () => {
  expect(() => ensureEqual('a'.repeat(1_000), '', 'x')).toThrow('… (1002 characters) instead of ""');
});

test('a missing value and a failed condition are reported with their names', () => {
  expect(present(0, 'a number')).toBe(0);
  expect(() => present(null, 'a session')).toThrow('a session is missing');
  expect(() => present(undefined, 'a session')).toThrow('a session is missing');
  expect(() => ensure(false, 'it does not hold')).toThrow('it does not hold');
});

test('a refusal with SESSION_GONE is distinguished from other errors', async () => {
  const gone = new SessionError('SESSION_GONE', 'it has ended');
  await expect(ensureGone(Promise.reject(gone), 'a save')).resolves.toBeUndefined();
  await expect(ensureGone(Promise.resolve(), 'a save')).rejects.toThrow('a save was not refused with SESSION_GONE');
  for (const other of [new SessionError('CONFLICT', ''), new Error('x'), 'x']) {
    await expect(ensureGone(Promise.reject(other), 'a save')).rejects.toThrow('a save was not refused');
  }
});

test('a record is compared field by field, and must have no other fields', () => {
  expect(() => ensureRecord({ ...RECORD }, RECORD, 'r')).not.toThrow();
  expect(() => ensureRecord(null, RECORD, 'r')).toThrow('r: there is no record');
  expect(() => ensureRecord({ ...RECORD, expiresAt: 3 }, RECORD, 'r')).toThrow('r: expiresAt is 3 instead of 2');
  expect(() => ensureRecord(Object.assign({ row: 1 }, RECORD), RECORD, 'r')).toThrow('fields that were not written');
  const odd = { ...RECORD };
  Reflect.set(odd, 'ownerId', undefined);
  expect(() => ensureRecord(odd, RECORD, 'r')).toThrow('an absent ownerId must stay absent');
});
