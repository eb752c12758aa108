import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CALL } from '../../../src/core/session/call-sessions.js';
import { isUnreadable } from '../../../src/core/session/unreadable-session.js';
import { HOST, hostOf } from '../../../src/http/host.js';
import { createSessions, type Session } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { BOB } from './support/calls.js';

/** A call whose session the schema refuses. Its token fits, unless the hashes are lost too. */
async function openDamaged(damage: (body: string) => string = (body) => body.replace('"ann"', '5')) {
  const schema = z.object({ user: z.string() });
  const store = countingStore();
  const sessions = createSessions({ schema, store });
  const events: string[] = [];
  sessions.on('destroyed', ({ id }) => events.push(`destroyed ${id}`));
  const { token, id } = await sessions.create({ user: 'ann' });
  const record = await store.find(id);
  if (!record) throw new Error('the session is missing');
  await store.replace({ ...record, version: 'damaged', body: damage(record.body) }, record.version, 1_000_000);
  store.reset();
  const headers = { authorization: `Bearer ${token}` };
  const request = hostOf(sessions).open({ key: undefined, headers, target: { kind: 'collect' } });
  const call = request.open({ hasOutcome: true });
  const session = await call.admit();
  if (!session) throw new Error('the call is anonymous');
  return { store, sessions, events, id, call, session };
}

describe('rule 6: the session of a record that cannot be read', () => {
  test.each(['data', 'createdAt', 'lastActiveAt', 'authenticatedAt', 'expiresAt', 'signal'] as const)(
    'fails with the error of the read when its `%s` is read',
    async (name) => {
      const { session } = await openDamaged();
      expect(() => session[name]).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }));
    },
  );

  test('refuses new data with the error of the read', async () => {
    const { session } = await openDamaged();
    const replace = () => {
      session.data = { user: 'ann' };
    };
    expect(replace).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }));
  });

  test.each<[string, (session: Session<unknown>) => Promise<unknown>]>([
    ['save', (session) => session.save()],
    ['update', (session) => session.update(() => undefined)],
    ['touch', (session) => session.touch()],
    ['reload', (session) => session.reload()],
    ['rotate', (session) => session.rotate()],
  ])('refuses `%s` with the error of the read, and calls the store no more', async (_, run) => {
    const { session, store } = await openDamaged();
    store.reset();
    await expect(run(session)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    expect(store.total()).toBe(0);
  });

  test('shows its id, and nothing else', async () => {
    const { session, id, call } = await openDamaged();
    expect([session.id, session.token, session.isNew]).toEqual([id, undefined, false]);
    expect(inspect(session)).toBe(`{ id: '${id}' }`);
    expect(() => JSON.stringify(session)).toThrow(expect.objectContaining({ code: 'INVALID_DATA' }));
    expect(isUnreadable(session)).toBe(true);
    expect(call.liveSession).toBe(session);
  });

  test('can be ended by its token: then the call is anonymous, and asks the store no more', async () => {
    const { session, call, store, events, id } = await openDamaged();
    await session.destroy();
    expect(await store.find(id)).toBeNull();
    expect(events).toEqual([`destroyed ${id}`]);
    store.reset();
    await call.load();
    expect([call.session, call.liveSession, store.total()]).toEqual([null, null, 0]);
  });

  test('cannot be ended in an outage: the caller learns that it still exists', async () => {
    const { session, store, id, call } = await openDamaged();
    store.before = () => {
      throw new Error('down');
    };
    await expect(session.destroy()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(call.sessions.destroy(id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.before = undefined;
    expect(await store.find(id)).not.toBeNull();
  });

  test('stays if its hashes are lost, because no token proves anything', async () => {
    const { session, call, store, id } = await openDamaged(() => '{');
    expect(await call.sessions.destroy(id)).toBe(false);
    await session.destroy();
    expect(await store.find(id)).not.toBeNull();
  });

  test('rule 13: is `sessions.current` until the call ends or replaces it', async () => {
    const ending = await openDamaged();
    expect(ending.call.sessions.current).toBe(ending.session);
    expect(JSON.stringify(ending.call.sessions)).toBe('{"current":null}');
    await ending.call.sessions.current?.destroy();
    expect([await ending.store.find(ending.id), ending.call.sessions.current]).toEqual([null, null]);
    const replacing = await openDamaged();
    const created = await replacing.call.sessions.create(BOB);
    expect(replacing.call.sessions.current).toBe(created);
  });

  test('is replaced by a login', async () => {
    const { call, store, id, sessions } = await openDamaged();
    const created = await call.sessions.create(BOB);
    await call.commit();
    expect(await store.find(id)).toBeNull();
    expect((await sessions.fromToken(created.token)).session?.data).toEqual(BOB);
  });
});

test('rule 16: another copy of the package finds calls and hosts under these keys', () => {
  expect([CALL, HOST]).toEqual([Symbol.for('token-sessions.call'), Symbol.for('token-sessions.host')]);
});
