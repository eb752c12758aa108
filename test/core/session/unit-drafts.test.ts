import { expect, test } from 'vitest';
import { OPEN_REQUEST } from '../../../src/http/sessions.js';
import { createSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

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

test('a unit that is enlisted is waited for by its batch, though it begins when another is done', async () => {
  const { store, handle, token, stored } = await setUp(true);
  const [first, second] = [handle.enlist(), handle.enlist()];
  await handle.begin(first);
  const mine = handle.draftOf(first);
  if (mine) mine.data.a = 1;
  const committed = handle.commit(first, 60_000);
  await handle.begin(second);
  const theirs = handle.draftOf(second);
  if (theirs) theirs.data.b = 2;
  await Promise.all([committed, handle.commit(second, 60_000)]);
  expect(store.calls).toMatchObject({ find: 1, replace: 1 });
  expect(await stored(token)).toEqual({ user: 'ann', a: 1, b: 2 });
});

test('invariant 11: who prepares a unit is not shown what another one has changed', async () => {
  const { handle } = await setUp(true);
  const running = await handle.begin();
  if (running.session) running.session.data.a = 1;
  handle.enlist();
  expect((await handle.load())?.data).toEqual({ user: 'ann' });
});

test('what is changed while the only unit is prepared is saved with it', async () => {
  const { handle, token, stored } = await setUp(true);
  const unit = handle.enlist();
  const loaded = await handle.load();
  if (loaded) loaded.data.a = 1;
  await handle.begin(unit);
  expect(unit.session).toBe(loaded);
  await handle.commit(unit);
  expect(await stored(token)).toEqual({ user: 'ann', a: 1 });
});

test.each([
  ['load', null],
  ['list', []],
  ['destroyOthers', 0],
  ['destroy', false],
] as const)('invariant 5: on a connection, %s does nothing for a session that has ended since the last look', async (method, nothing) => {
  const sessions = createSessions<{ user: string }>({ ownerOf: (data) => data.user });
  const { token, id } = await sessions.create({ user: 'ann' });
  const other = await sessions.create({ user: 'ann' });
  const headers = { authorization: `Bearer ${token}` };
  const handle = sessions[OPEN_REQUEST]({ key: undefined, headers, persistent: true, target: { kind: 'none' } });
  expect((await handle.load())?.id).toBe(id);
  await sessions.destroy(id);
  expect(await handle[method](other.id)).toEqual(nothing);
  expect(await sessions.find(other.id)).not.toBeNull();
});
