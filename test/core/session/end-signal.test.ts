import { expect, test } from 'vitest';
import { endSignal } from '../../../src/core/session/end-signal.js';
import { SessionError } from '../../../src/index.js';

/** A session that can be watched, and ended. */
function session() {
  const listeners = new Set<(reason: SessionError) => void>();
  const watch = (listener: (reason: SessionError) => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  const end = () => {
    for (const listener of listeners) listener(new SessionError('SESSION_GONE', 'ended'));
  };
  return { watch, end, watched: () => listeners.size };
}

test('rule 17: a released signal is watched only while it has listeners', () => {
  const { watch, watched } = session();
  const { signal, release } = endSignal((listener) => watch(listener));
  expect(watched()).toBe(1);
  release(true);
  expect(watched()).toBe(0);
  const listener = () => undefined;
  signal.addEventListener('abort', listener);
  signal.addEventListener('other', listener);
  expect(watched()).toBe(1);
  signal.removeEventListener('other', listener);
  expect(watched()).toBe(1);
  signal.removeEventListener('abort', listener);
  expect(watched()).toBe(0);
});

test('rule 17: onabort counts as a listener, is called once, and can be replaced and removed', () => {
  const { watch, watched, end } = session();
  const { signal, release } = endSignal((listener) => watch(listener));
  release(true);
  const calls: string[] = [];
  signal.onabort = () => calls.push('first');
  expect([watched(), typeof signal.onabort]).toEqual([1, 'function']);
  signal.onabort = () => calls.push('second');
  end();
  expect([calls, signal.aborted, signal.reason.code]).toEqual([['second'], true, 'SESSION_GONE']);
  signal.onabort = null;
  expect(signal.onabort).toBeNull();
});

test('rule 17: a signal without onabort again is not watched', () => {
  const { watch, watched } = session();
  const { signal, release } = endSignal((listener) => watch(listener));
  signal.onabort = () => undefined;
  release(true);
  expect(watched()).toBe(1);
  signal.onabort = null;
  expect(watched()).toBe(0);
});
