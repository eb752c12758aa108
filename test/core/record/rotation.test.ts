import { describe, expect, test } from 'vitest';
import { createSessions, memoryStore, type Session, type SessionsOptions } from '../../../src/index.js';

interface Data {
  userId: string;
}

async function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: 1_700_000_000_000 };
  const store = memoryStore({ now: () => clock.now });
  const make = () => createSessions<Data>({ store, now: () => clock.now, rotationGrace: '10s', ...options });
  const sessions = make();
  const events: string[] = [];
  for (const name of ['rotated', 'reuse-detected', 'destroyed'] as const) {
    sessions.on(name, (event) => events.push('reason' in event ? `${name} ${event.reason}` : name));
  }
  const { token, id } = await sessions.create({ userId: 'ann' });
  const use = async (text: string) => (await sessions.fromToken(text)).session;
  const holder = async (text: string): Promise<Session<Data>> => {
    const session = await use(text);
    if (!session) throw new Error('the token opens no session');
    return session;
  };
  return { clock, sessions, store, make, events, token, id, use, holder };
}

const GRACE = 10_000;
/** How far the clocks of two servers may differ. */
const SKEW = 60_000;

describe('rotate', () => {
  test('rule 21: the old token is valid until the new one is used, then for the grace, then no more', async () => {
    const { clock, token, use, holder, events, id } = await setUp();
    const next = await (await holder(token)).rotate();
    clock.now += 3_600_000;
    expect((await use(token))?.id).toBe(id);
    expect((await use(next))?.id).toBe(id);
    clock.now += GRACE - 1;
    expect((await use(token))?.id).toBe(id);
    clock.now += 1;
    expect(await use(token)).toBeNull();
    expect((await use(next))?.id).toBe(id);
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 21: a client whose answer was lost gets the same token when it asks again', async () => {
    const { token, use, holder, events } = await setUp();
    const lost = await (await holder(token)).rotate();
    expect(await (await holder(token)).rotate()).toBe(lost);
    expect(await use(lost)).not.toBeNull();
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 22: immediate ends the old token at once, with what was pending', async () => {
    const { token, use, holder, events } = await setUp();
    const pending = await (await holder(token)).rotate();
    const next = await (await holder(token)).rotate({ immediate: true });
    expect(await use(pending)).toBeNull();
    expect(await use(token)).toBeNull();
    expect(await use(next)).not.toBeNull();
    // Requests under way may still bring the old ones: that is no reuse yet.
    expect(events).toEqual(['rotated pending', 'rotated immediate']);
  });

  test('rule 21: without a grace the old token ends with the first use of the new one', async () => {
    const { token, use, holder } = await setUp({ rotationGrace: 0 });
    const next = await (await holder(token)).rotate();
    expect(await use(token)).not.toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(await use(token)).toBeNull();
  });

  test('rule 21: two servers that rotate at once with one token answer with the same new token', async () => {
    const { token, use, holder, make } = await setUp();
    const other = (await make().fromToken(token)).session;
    const [mine, theirs] = await Promise.all([(await holder(token)).rotate(), other?.rotate()]);
    expect(theirs).toBe(mine);
    expect(await use(mine)).not.toBeNull();
  });

  test('rule 22: a holder whose token was replaced in the meantime cannot rotate', async () => {
    const { token, use, holder } = await setUp();
    const thief = await holder(token);
    const next = await (await holder(token)).rotate({ immediate: true });
    await expect(thief.rotate()).rejects.toMatchObject({ code: 'TOKEN_REPLACED', status: 409 });
    expect(await use(next)).not.toBeNull();
  });

  test('the token is on the session that was rotated, and only there', async () => {
    const { token, holder } = await setUp();
    const [a, b] = [await holder(token), await holder(token)];
    const next = await a.rotate();
    expect([a.token, b.token]).toEqual([next, undefined]);
  });

  test('data written beside a rotation stays, and so does the rotation', async () => {
    const { token, use, holder } = await setUp();
    const [a, b] = [await holder(token), await holder(token)];
    b.data.userId = 'bob';
    const [next] = await Promise.all([a.rotate(), b.save()]);
    expect((await use(next))?.data).toEqual({ userId: 'bob' });
  });
});

describe('reuse', () => {
  test('rule 23: onReuse destroy ends the session when the predecessor comes back after the grace and a minute of skew', async () => {
    const { clock, token, use, holder, events } = await setUp({ onReuse: 'destroy' });
    const next = await (await holder(token)).rotate();
    await use(next);
    clock.now += GRACE + SKEW - 1;
    expect(await use(token)).toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(events).toEqual(['rotated pending']);
    clock.now += 1;
    expect(await use(token)).toBeNull();
    expect(await use(next)).toBeNull();
    expect(events).toEqual(['rotated pending', 'reuse-detected', 'destroyed reuse']);
  });

  test('rule 23: an older predecessor is a reuse, however old', async () => {
    const { clock, token, use, holder, events } = await setUp();
    const second = await (await holder(token)).rotate();
    await use(second);
    const third = await (await holder(second)).rotate();
    await use(third);
    clock.now += 86_400_000;
    expect(await use(token)).toBeNull();
    expect(events.filter((each) => each === 'reuse-detected')).toHaveLength(1);
    expect(await use(third)).not.toBeNull();
  });

  test('rule 23: a wrong secret is no reuse: ids are public', async () => {
    const { clock, sessions, token, use, events, id } = await setUp({ onReuse: 'destroy' });
    clock.now += 86_400_000;
    const forged = `ts_${id}${(await sessions.create({ userId: 'eve' })).token.slice(-44)}`;
    expect(await use(forged)).toBeNull();
    expect(events).toEqual([]);
    expect(await use(token)).not.toBeNull();
  });
});

describe('reauthenticated', () => {
  test('rule 22: renews authenticatedAt for the holder of the new token alone, before and after its first use', async () => {
    const { clock, token, use, holder } = await setUp();
    const start = clock.now;
    clock.now += 60_000;
    const session = await holder(token);
    const next = await session.rotate({ reauthenticated: true });
    expect(session.authenticatedAt).toBe(clock.now);
    expect((await use(token))?.authenticatedAt).toBe(start);
    expect((await use(next))?.authenticatedAt).toBe(clock.now);
    expect((await use(token))?.authenticatedAt).toBe(start);
  });

  test('with immediate at once; without reauthenticated not at all', async () => {
    const { clock, token, use, holder } = await setUp();
    clock.now += 60_000;
    const next = await (await holder(token)).rotate({ immediate: true });
    expect((await use(next))?.authenticatedAt).toBe(clock.now - 60_000);
    const last = await (await holder(next)).rotate({ immediate: true, reauthenticated: true });
    expect((await use(last))?.authenticatedAt).toBe(clock.now);
  });
});
