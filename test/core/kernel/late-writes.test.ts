import { expect, test } from 'vitest';
import { z } from 'zod';
import { createSessions, memoryStore } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { countingStore } from '../../support/counting-store.js';

/** Sessions whose schema is slow: it takes `slowness` ms by the library's clock for each value. */
function setUp() {
  const clock = testClock();
  const state = { slowness: 0 };
  const slow = z.object({ user: z.string() }).refine(async () => {
    clock.advance(state.slowness);
    return true;
  });
  // The store's clock stands still, so that it forgets nothing.
  const store = countingStore(memoryStore({ now: () => 0 }));
  const sessions = createSessions({ store, schema: slow, now: clock.now, idleTimeout: '1h', touchInterval: '30m' });
  return { clock, state, store, sessions };
}

test('invariants 2 and 7: a save whose schema finishes after the deadline writes nothing', async () => {
  const { clock, state, store, sessions } = setUp();
  const { token } = await sessions.create({ user: 'ada' });
  const { session } = await sessions.fromToken(token);
  if (!session) throw new Error('the session is gone');
  clock.advance(3_600_000 - 1);
  session.data.user = 'eve';
  state.slowness = 1;
  store.reset();
  await expect(session.save()).rejects.toMatchObject({ code: 'SESSION_GONE' });
  expect(store.calls.replace).toBe(0);
  expect((await sessions.fromToken(token)).session).toBeNull();
});

test('a save with a slow schema is written if another request has moved the deadline meanwhile', async () => {
  const { clock, state, sessions } = setUp();
  const { token } = await sessions.create({ user: 'ada' });
  const { session } = await sessions.fromToken(token);
  if (!session) throw new Error('the session is gone');
  clock.advance(3_600_000 - 1);
  // A touch is due: this moves the deadline.
  await sessions.fromToken(token);
  session.data.user = 'grace';
  state.slowness = 1;
  await session.save();
  expect((await sessions.fromToken(token)).session?.data).toEqual({ user: 'grace' });
});
