import { expect, test } from 'vitest';
import { createSessions, header, type LegacySession } from '../../src/index.js';
import { TOKEN } from './legacy-support.js';

/** Sessions that accept the tokens of a library which has this session. */
function setUp(old: LegacySession) {
  let session: LegacySession | null = old;
  const clock = { now: 1_700_000_000_000 };
  const legacy = {
    scheme: 'own',
    keyOf: (token: string) => token,
    read: async () => session,
    remove: async () => {
      session = null;
    },
  };
  const sources = [header('x-token', { respond: true, legacy })];
  const sessions = createSessions<{ userId: string }>({ sources, now: () => clock.now });
  const events: unknown[] = [];
  sessions.on('invalid-data', (event) => events.push(event));
  return { clock, sessions, events, open: () => sessions.fromHeaders({ 'x-token': TOKEN }) };
}

test('rule 7: an old session that ends at a fraction of a millisecond moves, and ends in time', async () => {
  // As in 'extract(epoch from expires) * 1000' of PostgreSQL.
  const { open, clock } = setUp({ data: { userId: 'ann' }, expiresAt: 1_700_000_001_000.5 });
  expect((await open()).session).toMatchObject({ data: { userId: 'ann' }, expiresAt: 1_700_000_001_000 });
  clock.now += 1_000;
  expect((await open()).session).toBeNull();
});

test('an old session without a limit gets the limits of this library', async () => {
  for (const expiresAt of [undefined, Number.POSITIVE_INFINITY]) {
    const { open, clock } = setUp({ data: { userId: 'ann' }, expiresAt });
    expect((await open()).session?.expiresAt).toBe(clock.now + 7 * 86_400_000);
  }
});

test('rule 6: an old session that ends at no time is INVALID_DATA with an event, and is not copied', async () => {
  const { open, sessions, events } = setUp({ data: { userId: 'ann' }, expiresAt: Number.NaN });
  await expect(open()).rejects.toMatchObject({ code: 'INVALID_DATA', status: 500 });
  expect(events).toHaveLength(1);
  expect(await sessions.count()).toBe(0);
});
