import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { privateSlot } from '../../src/http/slot.js';

test('a slot has one value per object, independently of other slots', () => {
  const [slot, other] = [privateSlot<string>(), privateSlot<string>()];
  const [a, b] = [{}, {}];
  slot.set(a, 'of a');
  other.set(a, 'another of a');
  expect([slot.get(a), other.get(a), slot.get(b), other.get(b)]).toEqual([
    'of a',
    'another of a',
    undefined,
    undefined,
  ]);
});

test.each<[string, object]>([
  ['a Fetch request', new Request('http://localhost')],
  ['a frozen object', Object.freeze({ a: 1 })],
  ['an object without a prototype', Object.create(null)],
  ['a proxy', new Proxy({}, {})],
  ['a function', () => undefined],
])('the value is invisible on %s', (_name, key) => {
  const before = inspect(key, { showHidden: true });
  const slot = privateSlot<string>();
  slot.set(key, 'secret');
  expect(slot.get(key)).toBe('secret');
  expect(inspect(key, { showHidden: true })).toBe(before);
  expect(Reflect.ownKeys(key).some((name) => Reflect.get(key, name) === 'secret')).toBe(false);
});

test('a later value replaces an earlier one', () => {
  const key = Object.freeze({});
  const slot = privateSlot<string>();
  slot.set(key, 'first');
  slot.set(key, 'second');
  expect(slot.get(key)).toBe('second');
});

test('an object that wraps or copies another has none of its values', () => {
  const key = { a: 1 };
  const slot = privateSlot<string>();
  slot.set(key, 'of the object');
  expect(slot.get(new Proxy(key, {}))).toBeUndefined();
  expect(slot.get(Object.create(key))).toBeUndefined();
  expect(slot.get({ ...key })).toBeUndefined();
});
