import { describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { bound, type Data, GRACE, HOUR, MINUTE, REPLACED, setUp } from './support/rotation.js';

describe('a replaced token', () => {
  test('rule 22: in its grace it keeps its old age, and cannot rotate', async () => {
    const { clock, token, call, replace, use } = await setUp();
    const start = clock.now;
    clock.now += HOUR;
    const next = await replace(token, { reauthenticated: true });
    for (const how of [{}, { reauthenticated: true }, { immediate: true }]) {
      const session = await call(token);
      expect(session.authenticatedAt).toBe(start);
      await expect(session.rotate(how)).rejects.toMatchObject(REPLACED);
    }
    expect((await use(next))?.authenticatedAt).toBe(clock.now);
  });

  test('rule 22: a reauthenticated rotation renews only the new token', async () => {
    const { clock, token, call } = await setUp();
    const start = clock.now;
    clock.now += HOUR;
    const [session, neighbour] = [await call(token), await call(token)];
    const next = await session.rotate({ reauthenticated: true });
    expect([session.authenticatedAt, neighbour.authenticatedAt, (await call(token)).authenticatedAt]).toEqual([
      clock.now,
      start,
      start,
    ]);
    expect((await call(next)).authenticatedAt).toBe(clock.now);
  });

  test('rule 22: while a token of one kind is pending, a rotation of the other kind is refused', async () => {
    for (const [first, second] of [
      [{}, { reauthenticated: true }],
      [{ reauthenticated: true }, {}],
    ]) {
      const { clock, token, call, use } = await setUp();
      const next = await (await call(token)).rotate(first);
      await expect((await call(token)).rotate(second)).rejects.toMatchObject(REPLACED);
      clock.now += MINUTE - 1;
      await expect((await call(token)).rotate(second)).rejects.toMatchObject(REPLACED);
      expect(await use(next)).not.toBeNull();
    }
  });

  test('rule 22: a client with a pending plain token fetches it, uses it, and reauthenticates with it', async () => {
    const { clock, token, call, replace } = await setUp();
    await (await call(token)).rotate();
    clock.now += HOUR;
    await expect((await call(token)).rotate({ reauthenticated: true })).rejects.toMatchObject(REPLACED);
    const fetched = await (await call(token)).rotate();
    const proven = await replace(fetched, { reauthenticated: true });
    expect((await call(proven)).authenticatedAt).toBe(clock.now);
  });

  test('rule 22: a plain rotation replaces a reauthenticated token that is unused for a minute', async () => {
    const { clock, token, call, use } = await setUp();
    const unused = await (await call(token)).rotate({ reauthenticated: true });
    clock.now += MINUTE;
    const next = await (await call(token)).rotate();
    expect([next === unused, await use(unused)]).toEqual([false, null]);
    expect(await use(next)).not.toBeNull();
  });

  test('rule 22: a repeated reauthenticated rotation renews the same token', async () => {
    const { clock, token, call } = await setUp();
    const next = await (await call(token)).rotate({ reauthenticated: true });
    clock.now += MINUTE - 1;
    expect(await (await call(token)).rotate({ reauthenticated: true })).toBe(next);
    expect((await call(next)).authenticatedAt).toBe(clock.now);
  });
});

describe('immediate', () => {
  test("rule 22: it ends every other token, whatever the servers' clocks say", async () => {
    const { token, call, use, make, events } = await setUp();
    const servers = [0, -5_000, 5_000, -HOUR, HOUR].map(make);
    const first = await (await call(token)).rotate();
    const second = await (await call(first)).rotate();
    const last = await (await call(first)).rotate({ immediate: true });
    for (const server of servers) {
      for (const ended of [token, first, second]) expect(await use(ended, server)).toBeNull();
      expect(await use(last, server)).not.toBeNull();
    }
    expect(events.filter((event) => event.startsWith('rotated'))).toEqual([
      'rotated pending',
      'rotated pending',
      'rotated immediate',
    ]);
  });

  test('rule 21: only the call that made it gets its token', async () => {
    const { token, call } = await setUp();
    const calls = await Promise.all(Array.from({ length: 5 }, () => call(token)));
    const outcomes = await Promise.allSettled(calls.map((each) => each.rotate({ immediate: true })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of calls.filter((_, index) => outcomes[index]?.status === 'rejected')) {
      await expect(each.rotate()).rejects.toMatchObject(REPLACED);
    }
  });

  test('rule 22: it renews authenticatedAt only with reauthenticated', async () => {
    const { clock, token, call } = await setUp();
    clock.now += MINUTE;
    const next = await (await call(token)).rotate({ immediate: true });
    expect((await call(next)).authenticatedAt).toBe(clock.now - MINUTE);
    const last = await (await call(next)).rotate({ immediate: true, reauthenticated: true });
    expect((await call(last)).authenticatedAt).toBe(clock.now);
  });

  test('rule 23: an honest request under way is refused, and is not a reuse', async () => {
    const { clock, token, call, use, events } = await setUp({ onReuse: 'destroy' });
    const next = await (await call(token)).rotate({ immediate: true });
    for (const wait of [0, 5, GRACE + MINUTE - 6]) {
      clock.now += wait;
      expect(await use(token)).toBeNull();
    }
    expect(events).toEqual(['rotated immediate']);
    expect(await use(next)).not.toBeNull();
    clock.now += 1;
    await use(token);
    expect(events).toEqual(['rotated immediate', 'reuse-detected', 'destroyed reuse']);
  });
});

describe('reuse', () => {
  test.each([1, 2, 8])(
    'rule 23: a token of %i rotations ago is reported, and ends the session if onReuse says so',
    async (count) => {
      const { clock, token, use, replace, events } = await setUp({ onReuse: 'destroy' });
      let newest = token;
      for (let index = 0; index < count; index += 1) {
        newest = await replace(newest);
        clock.now += 2 * MINUTE;
      }
      expect(await use(token)).toBeNull();
      expect(events.slice(count)).toEqual(['reuse-detected', 'destroyed reuse']);
      expect(await use(newest)).toBeNull();
    },
  );

  test('rule 23: onReuse refuse refuses the token and writes nothing', async () => {
    const { clock, token, use, replace, events, store, id } = await setUp();
    const next = await replace(token);
    clock.now += GRACE + MINUTE;
    const before = await store.find(id);
    expect(await use(token)).toBeNull();
    expect(await store.find(id)).toEqual(before);
    expect(await use(next)).not.toBeNull();
    expect(events).toEqual(['rotated pending', 'reuse-detected']);
  });

  test('rule 23: onReuse destroy is retried after an outage of the store', async () => {
    const { clock, store, token, use, replace, events, make } = await setUp();
    const next = await replace(token);
    clock.now += HOUR;
    const broken = { ...bound(store), delete: () => Promise.reject(new Error('ECONNREFUSED')) };
    const away = createSessions<Data>({ store: broken, now: () => clock.now, onReuse: 'destroy' });
    await expect(away.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    Object.assign(broken, bound(store));
    await away.fromToken(token);
    expect(await use(next, make())).toBeNull();
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 23: a process reports the reuse of a session once a minute', async () => {
    const { clock, token, use, replace, events, make } = await setUp();
    await replace(token);
    clock.now += HOUR;
    const other = make();
    for (let second = 0; second < 120; second += 1) {
      for (const by of [undefined, other]) await use(token, by);
      clock.now += 1_000;
    }
    expect(events.filter((event) => event === 'reuse-detected')).toHaveLength(4);
  });

  test('rule 23: a wrong secret is no reuse, as ids are public', async () => {
    const { clock, sessions, token, use, replace, events, id } = await setUp({ onReuse: 'destroy' });
    const next = await replace(token);
    clock.now += HOUR;
    const forged = `ts_${id}${(await sessions.create({ userId: 'eve' })).token.slice(-44)}`;
    expect(await use(forged)).toBeNull();
    expect(events).toEqual(['rotated pending']);
    expect(await use(next)).not.toBeNull();
  });

  test.each([11_000, 59_000, -59_000])(
    'rule 23: a server whose clock differs by %i ms does not treat an honest request as a theft',
    async (skew) => {
      const { clock, token, use, replace, events, make } = await setUp({ onReuse: 'destroy' });
      const other = make(skew);
      const next = await replace(token);
      clock.now += GRACE;
      await use(token, other);
      expect(events).toEqual(['rotated pending']);
      expect(await use(next, other)).not.toBeNull();
    },
  );
});

describe('what the record keeps', () => {
  test('rule 21: the random value of a rotation leaves the record when the grace ends', async () => {
    const { clock, token, call, replace, store, id } = await setUp();
    const next = await replace(token);
    const salt = async () => JSON.parse((await store.find(id))?.body ?? '').o?.[4];
    expect(await salt()).toMatch(/^[\w-]{22}$/);
    clock.now += GRACE;
    await (await call(next)).update((data) => void Object.assign(data, { userId: 'bob' }));
    expect(await salt()).toBeUndefined();
  });

  test('rule 21: it also leaves at the next touch if the session is only used', async () => {
    const { clock, token, call, replace, store, id } = await setUp();
    const next = await replace(token);
    clock.now += HOUR;
    await call(next);
    expect(JSON.parse((await store.find(id))?.body ?? '').o).toBeUndefined();
  });

  test('rule 4: it holds neither a token nor a family', async () => {
    const { token, call, replace, store, id } = await setUp();
    const next = await replace(token);
    const last = await (await call(next)).rotate({ reauthenticated: true });
    const text = JSON.stringify(await store.find(id));
    for (const each of [token, next, last]) {
      const secret = each.slice(each.indexOf('.') + 1);
      expect(text).not.toContain(secret);
      expect(text).not.toContain(secret.slice(0, 21));
      expect(text).not.toContain(secret.slice(22));
    }
  });
});

test('rule 7: a first use on a server whose clock is behind does not shorten the session', async () => {
  const { clock, sessions, make, token, id, use, call } = await setUp({ idleTimeout: '2m' });
  const next = await (await call(token)).rotate();
  await call(next, make(-MINUTE));
  expect((await sessions.find(id))?.expiresAt).toBe(clock.now + 2 * MINUTE);
  clock.now += 2 * MINUTE - 1;
  expect(await use(next)).not.toBeNull();
});
