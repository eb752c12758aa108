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

describe('rotate', () => {
  test('the old token is valid until the new one is used, then for the grace, then no more', async () => {
    const { clock, token, use, holder, events, id } = await setUp();
    const next = await (await holder(token)).rotate();
    clock.now += 3_600_000;
    expect((await use(token))?.id).toBe(id);
    expect((await use(next))?.id).toBe(id);
    clock.now += 9_999;
    expect((await use(token))?.id).toBe(id);
    clock.now += 1;
    expect(await use(token)).toBeNull();
    expect((await use(next))?.id).toBe(id);
    expect(events).toEqual(['rotated pending', 'reuse-detected']);
  });

  test('an answer that is lost loses nobody: the old token rotates again, and that voids what was lost', async () => {
    const { token, use, holder } = await setUp();
    const lost = await (await holder(token)).rotate();
    const next = await (await holder(token)).rotate();
    expect(await use(lost)).toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(await use(lost)).toBeNull();
  });

  test('immediate ends the old token at once, with what was pending', async () => {
    const { token, use, holder, events } = await setUp();
    const pending = await (await holder(token)).rotate();
    const next = await (await holder(token)).rotate({ immediate: true });
    expect(await use(pending)).toBeNull();
    expect(await use(token)).toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(events).toEqual(['rotated pending', 'rotated immediate', 'reuse-detected']);
  });

  test('without a grace the old token ends with the first use of the new one', async () => {
    const { token, use, holder } = await setUp({ rotationGrace: 0 });
    const next = await (await holder(token)).rotate();
    expect(await use(token)).not.toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(await use(token)).toBeNull();
  });

  test('of two that rotate at once one token is good', async () => {
    const { token, use, holder, make } = await setUp();
    const other = (await make().fromToken(token)).session;
    const tokens = await Promise.all([(await holder(token)).rotate(), other?.rotate() ?? '']);
    const good: string[] = [];
    for (const each of tokens) if (await use(each)) good.push(each);
    expect(good).toHaveLength(1);
  });

  test('a holder whose token was replaced in the meantime cannot rotate', async () => {
    const { token, use, holder } = await setUp();
    const thief = await holder(token);
    const next = await (await holder(token)).rotate({ immediate: true });
    await expect(thief.rotate()).rejects.toMatchObject({ code: 'SESSION_GONE' });
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
  test('onReuse destroy ends the session when the predecessor comes back', async () => {
    const { clock, token, use, holder, events } = await setUp({ onReuse: 'destroy' });
    const next = await (await holder(token)).rotate();
    await use(next);
    clock.now += 10_000;
    expect(await use(token)).toBeNull();
    expect(await use(next)).toBeNull();
    expect(events).toEqual(['rotated pending', 'reuse-detected', 'destroyed reuse']);
  });

  test('neither a wrong secret, nor an older predecessor, nor a void token is a reuse: ids are public', async () => {
    const { clock, sessions, token, use, holder, events, id } = await setUp({ onReuse: 'destroy' });
    const lost = await (await holder(token)).rotate();
    const second = await (await holder(token)).rotate();
    await use(second);
    const third = await (await holder(second)).rotate();
    await use(third);
    clock.now += 60_000;
    const forged = `ts_${id}${(await sessions.create({ userId: 'eve' })).token.slice(-44)}`;
    for (const each of [lost, token, forged]) expect(await use(each)).toBeNull();
    expect(events.filter((each) => each === 'reuse-detected')).toEqual([]);
    expect(await use(third)).not.toBeNull();
  });
});

describe('reauthenticated', () => {
  test('renews authenticatedAt for the holder of the new token, not for the old one before it is used', async () => {
    const { clock, token, use, holder } = await setUp();
    const start = clock.now;
    clock.now += 60_000;
    const session = await holder(token);
    const next = await session.rotate({ reauthenticated: true });
    expect(session.authenticatedAt).toBe(clock.now);
    expect((await use(token))?.authenticatedAt).toBe(start);
    expect((await use(next))?.authenticatedAt).toBe(clock.now);
    expect((await use(token))?.authenticatedAt).toBe(clock.now);
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
