import { describe, expect, test } from 'vitest';
import { createSessions, memoryStore, SessionError, type SessionStore } from '../../../src/index.js';

/** A store that finds unreadable records once `damaged` is set. */
function unreadable(): { readonly store: SessionStore; damaged: boolean } {
  const inner = memoryStore();
  const refuse = () => Promise.reject(new SessionError('INVALID_DATA', 'the row was damaged'));
  const state = {
    damaged: false,
    store: {
      insert: (...args: Parameters<SessionStore['insert']>) => inner.insert(...args),
      find: (id: string) => (state.damaged ? refuse() : inner.find(id)),
      replace: (...args: Parameters<SessionStore['replace']>) => (state.damaged ? refuse() : inner.replace(...args)),
      delete: (id: string) => inner.delete(id),
    },
  };
  return state;
}

const silent = { warn: () => undefined, error: () => undefined };

describe('invariant 6: a record that the store itself cannot read', () => {
  test.each(['reject', 'anonymous'] as const)(
    'follows the policy %j, with an event each time',
    async (onInvalidData) => {
      const stored = unreadable();
      const errors: string[] = [];
      const logger = { warn: () => undefined, error: (message: string) => void errors.push(message) };
      const sessions = createSessions<{ count: number }>({ store: stored.store, onInvalidData, logger });
      const events: unknown[] = [];
      sessions.on('invalid-data', (event) => void events.push(event));
      sessions.on('store-error', (event) => void events.push(event));
      const { token, id } = await sessions.create({ count: 0 });
      const { session } = await sessions.fromToken(token);
      stored.damaged = true;
      const read = sessions.fromToken(token);
      if (onInvalidData === 'reject') await expect(read).rejects.toMatchObject({ code: 'INVALID_DATA', status: 500 });
      else expect((await read).session).toBeNull();
      // A write does not replace an unreadable record with data read earlier, whatever the policy.
      const update = session?.update((data) => {
        data.count += 1;
      });
      await expect(update).rejects.toMatchObject({ code: 'INVALID_DATA' });
      await expect(sessions.find(id)).rejects.toMatchObject({ code: 'INVALID_DATA', status: 500 });
      expect(events).toEqual([
        { id, reason: 'the row was damaged' },
        { id, reason: 'the row was damaged' },
      ]);
      expect(errors).toEqual([expect.stringContaining(id), expect.stringContaining(id)]);
    },
  );

  test('is not confused with data that the store refuses to take', async () => {
    const inner = memoryStore();
    const insert = () =>
      Promise.reject(new SessionError('INVALID_DATA', 'data.cookie has a name that cannot be kept'));
    const sessions = createSessions<{ cookie: string }>({
      store: { ...unreadable().store, find: (id) => inner.find(id), insert },
    });
    const events: unknown[] = [];
    sessions.on('invalid-data', (event) => void events.push(event));
    await expect(sessions.create({ cookie: 'x' })).rejects.toMatchObject({
      code: 'INVALID_DATA',
      message: expect.stringContaining('data.cookie'),
    });
    expect(events).toEqual([]);
  });
});

test('rule 26: an unreadable session can be ended by its id, also while something listens to its end', async () => {
  const stored = unreadable();
  const sessions = createSessions<{ user: string }>({ store: stored.store, ownerOf: ({ user }) => user });
  const ended: unknown[] = [];
  sessions.on('destroyed', (event) => void ended.push(event));
  const { id } = await sessions.create({ user: 'ada' });
  stored.damaged = true;
  expect(await sessions.destroy(id)).toBe(true);
  expect(ended).toEqual([{ id, reason: 'destroyed' }]);
});

test('rule 26: a record that its store cannot read is a failure inside the server, not of the client', async () => {
  const stored = unreadable();
  const sessions = createSessions<object>({ store: stored.store, logger: silent });
  const { token } = await sessions.create({});
  stored.damaged = true;
  const request = new Request('https://app.example/', { headers: { authorization: `Bearer ${token}` } });
  const answer = await sessions.handle(request, ({ session }) => Response.json(session?.data));
  expect(answer.status).toBe(500);
});
