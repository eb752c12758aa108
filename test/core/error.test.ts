import { afterEach, expect, test } from 'vitest';
import { SessionError, withoutStack } from '../../src/core/error.js';

const descriptor = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
afterEach(() => {
  if (descriptor) Object.defineProperty(Error, 'stackTraceLimit', descriptor);
});

const framesOf = (error: Error) =>
  (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
const make = () => new SessionError('SESSION_GONE', 'it has ended');

test('withoutStack makes an error without a stack, and later errors have one again', () => {
  const error = withoutStack(make);
  expect(framesOf(error)).toEqual([]);
  expect(error.stack).toContain('it has ended');
  expect(framesOf(make())).not.toEqual([]);
});

test('withoutStack restores the stack limit if the function throws', () => {
  const before = Error.stackTraceLimit;
  const failing = () =>
    withoutStack(() => {
      throw new Error('not made');
    });
  expect(failing).toThrow('not made');
  expect(Error.stackTraceLimit).toBe(before);
});

test('withoutStack keeps the stack where the built-ins are frozen', () => {
  Object.defineProperty(Error, 'stackTraceLimit', { value: 10, writable: false, configurable: true });
  expect(framesOf(withoutStack(make))).not.toEqual([]);
});
