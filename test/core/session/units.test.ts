import { describe, expect, test } from 'vitest';
import { OPEN_REQUEST } from '../../../src/http/sessions.js';
import { createSessions } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  a: number;
  b: number;
  c: number;
}
const KEYS = ['a', 'b', 'c'] as const;
/** Longer than any test: a hold that is not ended by the others fails the test. */
const LONG = 60_000;

async function setUp(signedIn = true) {
  const store = countingStore();
  const sessions = createSessions<Data>({ store });
  const { token } = await sessions.create({ a: 0, b: 0, c: 0 });
  const handle = sessions[OPEN_REQUEST]({
    key: undefined,
    headers: signedIn ? { authorization: `Bearer ${token}` } : {},
    target: { kind: 'collect' },
  });
  const stored = async () => (await sessions.fromToken(token)).session?.data;
  store.reset();
  return { store, sessions, handle, stored };
}

describe('the units of a request', () => {
  test('invariant 8: units that end together make one write', async () => {
    const { store, handle, stored } = await setUp();
    const units = await Promise.all(KEYS.map(() => handle.begin()));
    const commits = units.map((unit, index) => {
      if (unit.session) unit.session.data[KEYS[index] ?? 'a'] = 1;
      return handle.commit(unit, LONG);
    });
    await Promise.all(commits);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored()).toEqual({ a: 1, b: 1, c: 1 });
  });

  test.each(['an unchanged one', 'one that fails', 'one that becomes a stream'])(
    'a write is held no longer than until %s ends',
    async (kind) => {
      const { store, handle, stored } = await setUp();
      const [writer, other] = await Promise.all([handle.begin(), handle.begin()]);
      if (writer.session) writer.session.data.a = 1;
      const written = handle.commit(writer, LONG);
      expect(store.calls.replace).toBe(0);
      if (kind === 'an unchanged one') await handle.commit(other, LONG);
      else if (kind === 'one that fails') handle.end(other);
      else handle.detach(other);
      await written;
      expect(await stored()).toEqual({ a: 1, b: 0, c: 0 });
    },
  );

  test('a hold ends by itself where another unit takes long', async () => {
    const { handle, stored } = await setUp();
    const [writer] = await Promise.all([handle.begin(), handle.begin()]);
    if (writer.session) writer.session.data.a = 1;
    await handle.commit(writer, 1);
    expect(await stored()).toMatchObject({ a: 1 });
  });

  test('current is the draft of the unit, and follows a login by a unit that was nested in it', async () => {
    const { store, handle } = await setUp(false);
    const outer = await handle.begin();
    expect(handle.current).toBeNull();
    const inner = await handle.begin();
    const created = await handle.create({ a: 1, b: 1, c: 1 });
    await handle.commit(inner);
    expect(handle.current?.id).toBe(created.id);
    if (handle.current) handle.current.data.b = 2;
    await handle.commit(outer);
    expect(store.calls).toEqual({ insert: 1, find: 0, replace: 1, delete: 0 });
  });

  test('a stream does not keep a unit beside it from being the one that creates', async () => {
    const { handle } = await setUp(false);
    handle.detach(await handle.begin());
    const unit = await handle.begin();
    const created = await handle.create({ a: 1, b: 1, c: 1 });
    expect(unit.session?.id).toBe(created.id);
  });

  test('a change that comes after the end of the session is told of once, however often it is to be saved', async () => {
    const { handle, sessions } = await setUp();
    const { session } = await handle.begin();
    if (!session) throw new Error('the session was to be found');
    let told = 0;
    sessions.on('gone', () => told++);
    await sessions.destroy(session.id);
    session.data.a = 1;
    await session.autosave();
    await session.autosave();
    expect(told).toBe(1);
  });

  test('assertFresh counts the time since authentication', async () => {
    const { handle } = await setUp();
    const session = await handle.load();
    if (!session) throw new Error('the session was to be found');
    expect(() => handle.assertFresh(session, 60_000)).not.toThrow();
    expect(() => handle.assertFresh(session, -1)).toThrow(expect.objectContaining({ code: 'STEP_UP_REQUIRED', maxAge: -1 }));
  });
});
