import { expect, test } from 'vitest';
import { OPEN_REQUEST } from '../../src/http/sessions.js';
import { createSessions } from '../../src/index.js';
import { countingStore } from '../support/counting-store.js';

async function setUp(signedIn: boolean) {
  const store = countingStore();
  const sessions = createSessions<{ user: string; a?: number; b?: number }>({ store });
  const { token } = await sessions.create({ user: 'ann' });
  const headers = signedIn ? { authorization: `Bearer ${token}` } : {};
  const handle = sessions[OPEN_REQUEST]({ key: undefined, headers, target: { kind: 'collect' } });
  const stored = async (of: string) => (await sessions.fromToken(of)).session?.data;
  return { store, handle, token, stored };
}

test('invariant 11: after a login each unit that runs beside others has its own draft of the new session', async () => {
  const { handle, stored } = await setUp(false);
  const [login, other] = await Promise.all([handle.begin(), handle.begin()]);
  expect(handle.draftOf(login)).toBeNull();
  const { token } = await handle.create({ user: 'bob' });
  const mine = handle.draftOf(login);
  const theirs = handle.draftOf(other);
  expect(handle.draftOf(login)).toBe(mine);
  expect(theirs).not.toBe(mine);
  if (mine) mine.data.a = 1;
  if (theirs) theirs.data.b = 1;
  await handle.commit(login);
  handle.end(other);
  expect(await stored(token)).toEqual({ user: 'bob', a: 1 });
});

test('the draft of a unit is gone when its session has ended', async () => {
  const { handle } = await setUp(true);
  const unit = await handle.begin();
  expect(handle.draftOf(unit)?.data.user).toBe('ann');
  await handle.draftOf(unit)?.destroy();
  expect(handle.draftOf(unit)).toBeNull();
});

test('invariant 11: what a draft discards is not saved later', async () => {
  const { store, handle, token, stored } = await setUp(true);
  const { session } = await handle.begin();
  if (!session) throw new Error('no session');
  session.data.a = 1;
  session.discard();
  expect(session.isDirty).toBe(false);
  session.data.b = 2;
  await session.autosave();
  expect(await stored(token)).toEqual({ user: 'ann', b: 2 });
  expect(store.calls.replace).toBe(1);
});
