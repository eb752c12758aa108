import { describe, expect, test, vi } from 'vitest';
import type { Call } from '../../../src/core/session/call.js';
import { memoryStore } from '../../../src/index.js';
import { openRequest, sessionOf } from './support/calls.js';

/** A request whose store counts how many live sessions it looks up. */
async function openCounted() {
  const made = await openRequest();
  const { live } = made.opened.open({ hasOutcome: true }).request.services;
  return { ...made, live };
}

const SIGNALS = [
  ['signal of the call', (call: Call) => call.sessions.signal],
  ['signal of the session', (call: Call) => sessionOf(call).signal],
] as const;

describe('rule 17: the signals of a call', () => {
  test('are watched once, however often they are read', async () => {
    const { begin, live, store } = await openCounted();
    const call = await begin();
    const signals = [call.sessions.signal, call.sessions.signal, sessionOf(call).signal, sessionOf(call).signal];
    expect(new Set(signals).size).toBe(2);
    expect(live.size).toBe(1);
    await vi.waitFor(() => expect(store.calls.find).toBe(2));
    expect([call.sessions.signal, sessionOf(call).signal]).toEqual([signals[0], signals[2]]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.calls.find).toBe(2);
  });

  test.each(SIGNALS)(
    'stop watching when the call is over, and watch again for a later listener: %s',
    async (_, signalOf) => {
      const { begin, live, sessions, id } = await openCounted();
      const call = await begin();
      const signal = signalOf(call);
      expect(live.size).toBe(1);
      await call.commit();
      expect(live.size).toBe(0);
      const aborted = vi.fn();
      signal.addEventListener('abort', aborted);
      expect(live.size).toBe(1);
      await sessions.destroy(id);
      expect(aborted).toHaveBeenCalledOnce();
      expect([signal.aborted, live.size]).toEqual([true, 0]);
    },
  );

  test('abort immediately for a listener that comes after the session has ended', async () => {
    const { begin, sessions, id } = await openCounted();
    const call = await begin();
    const { signal } = call.sessions;
    await call.commit();
    await sessions.destroy(id);
    signal.addEventListener('abort', () => undefined);
    await vi.waitFor(() => expect(signal.aborted).toBe(true));
  });

  test('keep the session of the call: a destroy of another session aborts none', async () => {
    const { begin, sessions } = await openRequest({ sessions: { store: memoryStore() } });
    const call = await begin();
    const { signal } = call.sessions;
    const other = await sessions.create({ user: 'bob' });
    await sessions.destroy(other.id);
    expect(signal.aborted).toBe(false);
  });

  test.each(SIGNALS)('are watched without a listener while the call goes on as a stream: %s', async (_, signalOf) => {
    const { begin, live, sessions, id } = await openCounted();
    const call = await begin();
    const signal = signalOf(call);
    await call.commit();
    call.stream();
    expect(live.size).toBe(1);
    const over = AbortSignal.any([signal]);
    await sessions.destroy(id);
    expect([signal.aborted, over.aborted, live.size]).toEqual([true, true, 0]);
  });
});

test.each(SIGNALS)(
  'rule 17: a call that fails after a login leaves no watch of the session that it goes back to: %s',
  async (_, signalOf) => {
    const { begin, live } = await openCounted();
    const call = await begin();
    const signal = signalOf(call);
    await call.create({ user: 'bob' });
    await call.rollback();
    expect([live.size, signal.aborted]).toEqual([0, false]);
  },
);

test('rule 17: a listener that comes after a failed login hears of the session that the call went back to', async () => {
  const { begin, sessions, id } = await openCounted();
  const call = await begin();
  const { signal } = call.sessions;
  const { id: taken } = await call.create({ user: 'bob' });
  await call.rollback();
  const aborted = vi.fn();
  signal.addEventListener('abort', aborted);
  await sessions.destroy(taken);
  expect(aborted).not.toHaveBeenCalled();
  await sessions.destroy(id);
  expect(aborted).toHaveBeenCalledOnce();
});

test('rule 20: the data of a stream that watches the signal is at most recheckInterval old', async () => {
  const { begin, sessions, id } = await openRequest({ sessions: { store: memoryStore(), recheckInterval: 20 } });
  const call = await begin();
  const session = sessionOf(call);
  expect([session.signal.aborted, session.data.a]).toEqual([false, undefined]);
  await call.commit();
  call.stream();
  await (await sessions.find(id))?.update((data) => {
    Object.assign(data, { a: 1 });
  });
  await vi.waitFor(() => expect(session.data.a).toBe(1));
  // Its rechecks would go on beside the fake timers of other files.
  await sessions.close();
});
