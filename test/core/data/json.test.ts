import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cloneJson, copyJson, encodeJson, equalJson } from '../../../src/core/data/json.js';

/** Values as JSON has them, with the keys and numbers that are easily mangled. */
const jsonValue = fc.jsonValue({ depthSize: 'medium' });
const awkward: unknown[] = [
  '\u0000',
  '\ud800',
  'a\udc00b',
  '',
  -0,
  1e308,
  5e-324,
  [],
  {},
  [[]],
  [-0, [{ a: -0 }]],
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":null,"":0}'),
];

describe('cloneJson', () => {
  test('invariant 9: cloneJson copies known JSON exactly', () => {
    const check = (value: unknown): void => {
      const known = copyJson(value);
      const clone = cloneJson(known);
      expect(clone).toStrictEqual(known);
      expect(encodeJson(clone)).toBe(encodeJson(known));
      if (typeof known === 'object' && known !== null) expect(clone).not.toBe(known);
    };
    fc.assert(fc.property(jsonValue, check));
    for (const value of awkward) check(value);
  });
});

describe('copyJson', () => {
  test('invariant 9: copies every JSON value, sharing nothing', () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        const copy = copyJson(value);
        expect(copy).toStrictEqual(value);
        expect(JSON.parse(encodeJson(copy))).toStrictEqual(value);
        if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
      }),
    );
  });

  test.each(awkward.map((value) => [value]))('invariant 9: %j is encoded and decoded unchanged', (value) => {
    const copy = copyJson(value);
    expect(equalJson(copy, value)).toBe(true);
    expect(JSON.parse(encodeJson(copy))).toStrictEqual(value);
    expect(Object.getPrototypeOf(Object(copy))).toBe(Object.getPrototypeOf(Object(value)));
  });

  test('keeps a __proto__ key as data, and pollutes no prototype', () => {
    const copy = copyJson(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(Object.keys(Object(copy))).toEqual(['__proto__']);
    expect(Reflect.get(Object(copy), 'admin')).toBeUndefined();
    expect(Reflect.get({}, 'admin')).toBeUndefined();
  });

  test('treats undefined properties as absent', () => {
    expect(copyJson({ a: undefined, b: 1 })).toStrictEqual({ b: 1 });
    expect(equalJson({ a: undefined, b: 1 }, { b: 1 })).toBe(true);
    expect(equalJson({ b: 1 }, { a: undefined, b: 1 })).toBe(true);
    expect(equalJson({ a: undefined }, { b: 1 })).toBe(false);
  });

  class Account {
    name = 'ann';
  }
  test.each<[string, unknown, RegExp]>([
    ['a Date', { born: new Date(0) }, /^data\.born is a Date/],
    ['undefined in an array', { list: [1, undefined] }, /^data\.list\[1\] is undefined/],
    ['a hole in an array', { list: new Array(1) }, /^data\.list\[0\] is undefined/],
    ['NaN', { deep: { ratio: Number.NaN } }, /^data\.deep\.ratio is NaN/],
    ['Infinity', [Number.POSITIVE_INFINITY], /^data\[0\] is Infinity/],
    ['a function', { fn: () => 1 }, /^data\.fn is a function/],
    ['a symbol', { s: Symbol('x') }, /^data\.s is a symbol/],
    ['a bigint', { 'a key': 1n }, /^data\["a key"\] is a bigint/],
    ['a Map', { m: new Map() }, /^data\.m is a Map/],
    ['an instance of a class', { user: new Account() }, /^data\.user is a Account/],
    ['an instance of a class without a name', { odd: new (class {})() }, /^data\.odd is an instance of a class/],
    [
      'an instance without a constructor',
      { odd: Object.create(Object.create({})) },
      /^data\.odd is a Object|an instance/,
    ],
    ['a symbol for a key', { [Symbol('k')]: 1 }, /^data has a symbol for a key/],
    ['undefined itself', undefined, /^data is undefined/],
  ])('refuses %s with its path', (_name, value, message) => {
    expect(() => copyJson(value)).toThrowError(message);
    expect(() => copyJson(value)).toThrowError(expect.objectContaining({ code: 'INVALID_DATA' }));
  });

  test('a path is shown up to 200 characters', () => {
    const refused = (length: number) => () => copyJson({ ['k'.repeat(length - 'data.'.length)]: { x: 1n } });
    expect(refused(198)).toThrowError(/^data\.k{193}\.x is a bigint/);
    expect(refused(199)).toThrowError(/^data\.k{194}\.… is a bigint/);
    expect(refused(200)).toThrowError(/^data\.k{195}… is a bigint/);
    expect(refused(300)).toThrowError(/^data\.k{195}… is a bigint/);
  });

  test('refuses a cycle, and names its path', () => {
    const user: Record<string, unknown> = { name: 'ann', tags: ['x'] };
    user['self'] = { deeper: [user] };
    expect(() => copyJson({ user })).toThrowError(
      /^data\.user\.self\.deeper(\[0\]|\["0"\]) refers to one of its own ancestors/,
    );
  });

  test('accepts a value that stands in two places', () => {
    const shared = { a: 1 };
    expect(copyJson([shared, shared])).toStrictEqual([{ a: 1 }, { a: 1 }]);
  });

  test('rule 27: copies 1,000 levels of nesting, and refuses one more with its path', () => {
    const nested = (levels: number): unknown => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`);
    // Below the top level, which is the data itself.
    expect(encodeJson(copyJson(nested(1_001)))).toBe(`${'['.repeat(1_001)}${']'.repeat(1_001)}`);
    for (const levels of [1_002, 100_000]) {
      expect(() => copyJson(nested(levels))).toThrowError(/^data\[0\]\[0\].* is nested more than 1,000 levels deep/);
      expect(() => copyJson(nested(levels))).toThrowError(
        expect.objectContaining({ code: 'INVALID_DATA', status: 422 }),
      );
    }
    let deep: Record<string, unknown> = {};
    for (let level = 0; level < 5_000; level += 1) deep = { inner: deep };
    expect(() => copyJson({ user: deep })).toThrowError(/^data\.user\.inner.* is nested more than 1,000 levels deep/);
  });

  test('rule 27: refuses a deep cycle as a cycle, and data that is too deep differs from its copy', () => {
    const ring: Record<string, unknown> = {};
    let at = ring;
    for (let level = 0; level < 3_000; level += 1) {
      const next: Record<string, unknown> = {};
      at['next'] = next;
      at = next;
    }
    at['next'] = ring;
    expect(() => copyJson(ring)).toThrowError(/refers to one of its own ancestors/);
    const tower = () => JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`);
    expect(equalJson(tower(), tower())).toBe(false);
  });
});

describe('equalJson', () => {
  test('returns true for copies, and false after any change', () => {
    fc.assert(
      fc.property(jsonValue, jsonValue, (a, b) => {
        expect(equalJson(a, copyJson(a))).toBe(true);
        expect(equalJson(a, b)).toBe(JSON.stringify(sortKeys(a)) === JSON.stringify(sortKeys(b)));
      }),
    );
  });

  test.each([
    [0, -0],
    [{}, []],
    [{}, new Date(0)],
    [null, {}],
    [Number.NaN, null],
    [[1], [1, 2]],
    [{ constructor: 1 }, {}],
    [{}, JSON.parse('{"__proto__":null}')],
  ])('%j and %j differ', (a, b) => {
    expect(equalJson(a, b)).toBe(false);
    expect(equalJson(b, a)).toBe(false);
  });
});

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return { object: entries.map(([key, item]) => [key, sortKeys(item)]) };
}
