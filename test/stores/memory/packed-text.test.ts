import { expect, test } from 'vitest';
import { hasId, hasVersion, ownCopy, pack, packedId, unpack } from '../../../src/stores/memory/packed-text.js';

const RECORD = { createdAt: 0, expiresAt: 0 };

test.each([
  { id: '0123e456-7e89-7e01-9e23-4e5678e90123', version: 'abc', body: '{"a":"🎉 ö"}' },
  { id: '1', version: 'z'.repeat(64), body: '' },
  { id: 'i', version: 'v', body: 'v'.repeat(100_000) },
])('texts come back as they were packed: $id', (texts) => {
  const packed = pack({ ...RECORD, ...texts });
  expect(unpack(packed)).toEqual(texts);
  expect(packedId(packed)).toBe(texts.id);
  expect([hasId(packed, texts.id), hasVersion(packed, texts.version)]).toEqual([true, true]);
});

test('ids and versions differ from texts that share a beginning, an end or a prefix', () => {
  const packed = pack({ ...RECORD, id: 'abc', version: 'def', body: 'ghi' });
  for (const id of ['', 'ab', 'bc', 'abcd', 'ABC', 'def']) expect(hasId(packed, id)).toBe(false);
  for (const version of ['', 'de', 'ef', 'defg', 'cdef', 'DEF', 'ghi'])
    expect(hasVersion(packed, version)).toBe(false);
  expect(hasId('', '')).toBe(false);
});

test.each(['', 'o', 'ö', 'owner', '🎉'])('a copy of %j is the same text', (text) => {
  expect(ownCopy(text)).toBe(text);
});
