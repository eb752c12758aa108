import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/core/data/json.js';
import { applyPatch, diff } from '../../../src/core/data/merge.js';

function patched(target: JsonValue, before: JsonValue, after: JsonValue): JsonValue {
  const patch = diff(before, after);
  return patch ? applyPatch(target, patch) : target;
}

describe('the difference of two values', () => {
  test('is none where they are the same JSON', () => {
    for (const value of [{ a: [1, { b: null }] }, [1], 'text', null])
      expect(diff(value, structuredClone(value))).toBeNull();
    expect(diff({ a: 1, b: 2 }, { b: 2, a: 1 })).toBeNull();
  });

  test('names each top-level field that changed, came or went', () => {
    expect(diff({ same: 1, changed: [1], gone: 2 }, { same: 1, changed: [2], come: null })).toEqual({
      kind: 'fields',
      fields: new Map<string, JsonValue | undefined>([
        ['changed', [2]],
        ['come', null],
        ['gone', undefined],
      ]),
    });
  });

  test.each<[JsonValue, JsonValue]>([
    [{ a: 1 }, [1]],
    [[1], { a: 1 }],
    [{ a: 1 }, null],
    [null, { a: 1 }],
    [{}, []],
    ['a', 'b'],
  ])('from %j to %j is the whole value', (before, after) => {
    expect(diff(before, after)).toEqual({ kind: 'whole', value: after });
    expect(patched({ other: 1 }, before, after)).toEqual(after);
  });
});

describe('rule 3: a patch', () => {
  test('leaves what another request wrote into other fields, and the order of the fields', () => {
    const target = { z: 1, mine: 1, theirs: 2 };
    const result = patched(target, { z: 1, mine: 1 }, { z: 1, mine: 3, come: 4 });
    expect(JSON.stringify(result)).toBe('{"z":1,"mine":3,"theirs":2,"come":4}');
    expect(target).toEqual({ z: 1, mine: 1, theirs: 2 });
  });

  test('deletes a field, whether or not it is still there', () => {
    expect(patched({ a: 1, b: 2 }, { a: 1 }, {})).toStrictEqual({ b: 2 });
    expect(patched({ b: 2 }, { a: 1 }, {})).toStrictEqual({ b: 2 });
  });

  test('makes an object of a value that is none', () => {
    expect(patched([1, 2], { a: 1 }, { a: 2 })).toStrictEqual({ a: 2 });
    expect(patched(null, { a: 1 }, { a: 2 })).toStrictEqual({ a: 2 });
  });

  test('carries names that objects inherit', () => {
    const after: JsonValue = JSON.parse('{"__proto__":{"x":1},"constructor":2,"toString":3}');
    expect(JSON.stringify(patched({}, {}, after))).toBe(JSON.stringify(after));
    expect(patched(after, after, {})).toStrictEqual({});
  });
});
