import { describe, expect, test } from 'vitest';
import { cookie, createSessions, memoryStore } from '../../src/index.js';

interface Data {
  userId: string | null;
}

function app() {
  const store = memoryStore();
  return { store, sessions: createSessions<Data>({ store, sources: [cookie('sid')] }) };
}

describe("an attacker who sets a victim's cookie", () => {
  test('rule 1: cannot choose a session: an unknown token opens and creates nothing', async () => {
    const { sessions, store } = app();
    const other = await app().sessions.create({ userId: 'mallory' });
    const { session } = await sessions.fromHeaders({ cookie: `sid=${other.token}` });
    expect(session).toBeNull();
    expect(await store.count()).toBe(0);
  });

  test('rule 12: has a token that opens nothing after the victim has logged in over it', async () => {
    const { sessions } = app();
    const guest = await sessions.create({ userId: null });
    const victim = await sessions.fromHeaders({ cookie: `sid=${guest.token}` }, { method: 'POST' });
    const mine = await victim.sessions.create({ userId: 'ann' });
    expect(mine.token).not.toBe(guest.token);
    expect((await sessions.fromHeaders({ cookie: `sid=${guest.token}` })).session).toBeNull();
    expect((await sessions.fromHeaders({ cookie: `sid=${mine.token}` })).session?.data.userId).toBe('ann');
  });

  test('rule 1: makes the request anonymous with a second cookie of the same name', async () => {
    const { sessions } = app();
    const [mine, planted] = [await sessions.create({ userId: 'ann' }), await sessions.create({ userId: 'mallory' })];
    const { session } = await sessions.fromHeaders({ cookie: `sid=${planted.token}; sid=${mine.token}` });
    expect(session).toBeNull();
  });
});
