import { expect, test } from 'vitest';
import { createSessions, isSessionError, memoryStore } from '../../../src/index.js';

const make = () => createSessions<{ userId: string }>({ store: memoryStore(), ownerOf: (data) => data.userId });

test('invariant 5: a destroy aborts the signals with the reason', async () => {
  const sessions = make();
  const { token, id } = await sessions.create({ userId: 'ann' });
  const { session, sessions: ours } = await sessions.fromToken(token);
  expect(session?.signal.aborted).toBe(false);
  expect(session?.signal).toBe(session?.signal);
  const whole = ours.signal;
  await sessions.destroy(id);
  expect(session?.signal.reason).toMatchObject({
    code: 'SESSION_GONE',
    message: expect.stringContaining('destroyed'),
  });
  expect(isSessionError(whole.reason)).toBe(true);
  expect(ours.signal.aborted).toBe(true);
  await session?.destroy();
  expect(session?.signal.aborted).toBe(true);
});

test('an eviction and destroyFor abort the signals', async () => {
  const sessions = createSessions<{ userId: string }>({
    ownerOf: (data) => data.userId,
    maxPerOwner: { max: 1, onLimit: 'evict-oldest' },
  });
  const first = await sessions.create({ userId: 'ann' });
  const { signal } = first;
  const second = await sessions.create({ userId: 'ann' });
  expect(signal.reason).toMatchObject({ message: expect.stringContaining('ended') });
  expect(second.signal.aborted).toBe(false);
  await sessions.destroyFor('ann');
  expect(second.signal.aborted).toBe(true);
});

test('the request’s signal follows its current session: a login does not abort it, the logout after it does', async () => {
  const sessions = make();
  const { token } = await sessions.create({ userId: 'guest' });
  const { session, sessions: ours } = await sessions.fromToken(token);
  const [whole, guest] = [ours.signal, session?.signal];
  const user = await ours.create({ userId: 'ann' });
  expect([guest?.aborted, whole.aborted]).toEqual([true, false]);
  await user.destroy();
  expect(whole.aborted).toBe(true);
});

test('an anonymous request’s signal does not abort, and follows a later login', async () => {
  const sessions = make();
  const { sessions: ours } = await sessions.fromHeaders({});
  const { signal } = ours;
  expect(signal.aborted).toBe(false);
  const session = await ours.create({ userId: 'ann' });
  await sessions.destroy(session.id);
  expect(signal.aborted).toBe(true);
});
