import { describe, expect, test, vi } from 'vitest';
import {
  createSessions,
  memoryStore,
  type RotateOptions,
  type Session,
  type SessionStore,
  type SessionsOptions,
} from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';

interface Data {
  userId: string;
}

const GRACE = 10_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const REPLACED = { code: 'TOKEN_REPLACED', status: 409 };

/** Processes that share a store and, up to their `skew`, a clock. */
async function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = { now: Date.UTC(2030, 0, 1) };
  const store = memoryStore({ now: () => clock.now });
  const events: string[] = [];
  function make(skew = 0) {
    const sessions = createSessions<Data>({ store, now: () => clock.now + skew, rotationGrace: GRACE, ...options });
    for (const name of ['rotated', 'reuse-detected', 'destroyed', 'conflict'] as const) {
      sessions.on(name, (event) => events.push('reason' in event ? `${name} ${event.reason}` : name));
    }
    return sessions;
  }
  const sessions = make();
  const { token, id } = await sessions.create({ userId: 'ann' });
  const use = async (text: string, by = sessions) => (await by.fromToken(text)).session;
  const call = async (text: string, by = sessions): Promise<Session<Data>> => {
    const session = await use(text, by);
    if (!session) throw new Error('the token opens no session');
    return session;
  };
  /** Rotates by this token, and uses the new one. */
  const replace = async (text: string, how: RotateOptions = {}) => {
    const next = await (await call(text)).rotate(how);
    await call(next);
    return next;
  };
  return { clock, sessions, store, make, events, token, id, use, call, replace };
}

function bound(store: ReturnType<typeof memoryStore>) {
  return {
    insert: store.insert.bind(store),
    find: store.find.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
  };
}

describe('rotate', () => {
  test('rule 21: the old token is valid until the new one is used, then for the grace, then no more', async () => {
    const { clock, token, use, call, events, id } = await setUp();
    const next = await (await call(token)).rotate();
    clock.now += HOUR;
    expect([(await use(token))?.id, (await use(next))?.id]).toEqual([id, id]);
    clock.now += GRACE - 1;
    expect((await use(token))?.id).toBe(id);
    clock.now += 1;
    expect(await use(token)).toBeNull();
    expect((await use(next))?.id).toBe(id);
    expect(events).toEqual(['rotated pending']);
  });

  test('rule 21: without a grace the old token ends with the first use of the new one', async () => {
    const { token, use, call } = await setUp({ rotationGrace: 0 });
    const next = await (await call(token)).rotate();
    expect(await use(token)).not.toBeNull();
    expect(await use(next)).not.toBeNull();
    expect(await use(token)).toBeNull();
  });

  test.each([1, 2])('rule 21: calls that rotate at once all get the same token, in %i processes', async (processes) => {
    const { token, use, call, make, events } = await setUp();
    const all = Array.from({ length: processes }, () => make());
    const calls = await Promise.all(Array.from({ length: 20 }, (_, index) => call(token, all[index % processes])));
    const tokens = await Promise.all(calls.map((each) => each.rotate()));
    expect(new Set(tokens).size).toBe(1);
    expect(tokens[0]).not.toBe(token);
    expect(await use(tokens[0] ?? '')).not.toBeNull();
    expect(events.filter((event) => event.startsWith('rotated'))).toEqual(['rotated pending']);
  });

  test('rule 21: a client whose answer was lost gets the same token when it asks again, and the lost one works', async () => {
    const { clock, token, use, call } = await setUp();
    const lost = await (await call(token)).rotate();
    clock.now += 5 * HOUR;
    expect(await (await call(token)).rotate()).toBe(lost);
    expect(await use(lost)).not.toBeNull();
  });

  test.each([{}, { reauthenticated: true }])('rule 21: a call that was let in before gets the successor in its grace (%o)', async (how) => {
    const { clock, token, call } = await setUp();
    const late = [await call(token), await call(token)];
    const next = await (await call(token)).rotate(how);
    await call(next);
    clock.now += GRACE - 1;
    expect(await late[0]?.rotate(how)).toBe(next);
    clock.now += 1;
    await expect(late[1]?.rotate(how)).rejects.toMatchObject(REPLACED);
  });

  test('rule 21: a late call gets nothing when the kinds differ, or a later rotation is pending or in use', async () => {
    for (const [mine, theirs] of [
      [{}, { reauthenticated: true }],
      [{ reauthenticated: true }, {}],
      [{ immediate: true }, {}],
    ]) {
      const { token, call, replace } = await setUp();
      const late = await call(token);
      await replace(token, theirs);
      await expect(late.rotate(mine)).rejects.toMatchObject(REPLACED);
    }
    const { token, call, replace } = await setUp();
    const late = await call(token);
    const next = await replace(token);
    const last = await (await call(next)).rotate();
    await expect(late.rotate()).rejects.toMatchObject(REPLACED);
    await call(last);
    await expect(late.rotate()).rejects.toMatchObject(REPLACED);
  });

  test('rule 21: what a long call has read does not decide: a successor that was replaced meanwhile is not handed out', async () => {
    for (const how of [{}, { immediate: true }]) {
      const { token, call, replace, make } = await setUp();
      const next = await (await call(token)).rotate();
      const long = [await call(token), await call(token, make())];
      await call(next);
      await replace(next, how);
      for (const each of long) await expect(each.rotate()).rejects.toMatchObject(REPLACED);
    }
  });

  test('rule 21: a new token is not refused because an older read comes after the one that knows it', async () => {
    const { clock, token, call, store } = await setUp();
    const answers: (() => void)[] = [];
    const slow: SessionStore = {
      ...bound(store),
      find: async (id) => {
        const record = await store.find(id);
        await new Promise<void>((resolve) => void answers.push(resolve));
        return record;
      },
    };
    const there = createSessions<Data>({ store: slow, now: () => clock.now, touchInterval: 0 });
    const older = there.fromToken(token);
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    const next = await (await call(token)).rotate();
    const newer = there.fromToken(next);
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    // The newer one first: both wait for one write then.
    answers.reverse();
    const opened = Promise.all([older, newer]);
    const answering = setInterval(() => answers.splice(0).forEach((answer) => void answer()), 1);
    expect((await opened).map(({ session }) => session?.data.userId)).toEqual(['ann', 'ann']);
    clearInterval(answering);
  });

  test('rule 21: a refusal that others have outdated meanwhile is none', async () => {
    const { clock, token, call } = await setUp();
    await (await call(token)).rotate({ reauthenticated: true });
    const long = await call(token);
    clock.now += MINUTE;
    const next = await (await call(token)).rotate();
    expect(await long.rotate()).toBe(next);
  });

  test('rule 2: a rotation of a session that has ended is SESSION_GONE, also where nothing would be written', async () => {
    const { token, call, sessions, id } = await setUp();
    await (await call(token)).rotate();
    const calls = [await call(token), await call(token), await call(token)];
    await sessions.destroy(id);
    for (const [index, how] of [{}, { reauthenticated: true }, { immediate: true }].entries()) {
      await expect(calls[index]?.rotate(how)).rejects.toMatchObject({ code: 'SESSION_GONE' });
    }
  });

  test('rule 8: a rotation makes one store call more than a read, and one more where it needs no write', async () => {
    const { token, call, store } = await setUp();
    const counting = countingStore(store);
    const session = await call(token, createSessions<Data>({ store: counting }));
    await session.rotate();
    expect(counting.calls).toMatchObject({ find: 1, replace: 1 });
    await session.rotate();
    expect(counting.calls).toMatchObject({ find: 2, replace: 1 });
  });

  test('the token is on the session that was rotated, and only there', async () => {
    const { token, call } = await setUp();
    const [a, b] = [await call(token), await call(token)];
    const next = await a.rotate();
    expect([a.token, b.token]).toEqual([next, undefined]);
  });

  test('rule 3: data written beside a rotation stays, and so does the rotation', async () => {
    const { token, use, call } = await setUp();
    const [a, b] = [await call(token), await call(token)];
    b.data.userId = 'bob';
    const [next] = await Promise.all([a.rotate(), b.save()]);
    expect((await use(next))?.data).toEqual({ userId: 'bob' });
  });
});

describe('a replaced token', () => {
  test('rule 22: in its grace it is as old as it was, and cannot rotate', async () => {
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

  test('rule 22: a reauthenticated rotation renews the new token alone', async () => {
    const { clock, token, call } = await setUp();
    const start = clock.now;
    clock.now += HOUR;
    const [session, neighbour] = [await call(token), await call(token)];
    const next = await session.rotate({ reauthenticated: true });
    expect([session.authenticatedAt, neighbour.authenticatedAt, (await call(token)).authenticatedAt]).toEqual([clock.now, start, start]);
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

  test('rule 22: a client with a pending plain token fetches it, uses it, and proves itself with it', async () => {
    const { clock, token, call, replace } = await setUp();
    await (await call(token)).rotate();
    clock.now += HOUR;
    await expect((await call(token)).rotate({ reauthenticated: true })).rejects.toMatchObject(REPLACED);
    const fetched = await (await call(token)).rotate();
    const proven = await replace(fetched, { reauthenticated: true });
    expect((await call(proven)).authenticatedAt).toBe(clock.now);
  });

  test('rule 22: a reauthenticated token that is unused for a minute gives way to a plain rotation', async () => {
    const { clock, token, call, use } = await setUp();
    const unused = await (await call(token)).rotate({ reauthenticated: true });
    clock.now += MINUTE;
    const next = await (await call(token)).rotate();
    expect([next === unused, await use(unused)]).toEqual([false, null]);
    expect(await use(next)).not.toBeNull();
  });

  test('rule 22: asked for again with reauthenticated, the same token is renewed', async () => {
    const { clock, token, call } = await setUp();
    const next = await (await call(token)).rotate({ reauthenticated: true });
    clock.now += MINUTE - 1;
    expect(await (await call(token)).rotate({ reauthenticated: true })).toBe(next);
    expect((await call(next)).authenticatedAt).toBe(clock.now);
  });
});

describe('immediate', () => {
  test('rule 22: it ends every other token, whatever the clocks of the servers say', async () => {
    const { token, call, use, make, events } = await setUp();
    const servers = [0, -5_000, 5_000, -HOUR, HOUR].map(make);
    const first = await (await call(token)).rotate();
    const second = await (await call(first)).rotate();
    const last = await (await call(first)).rotate({ immediate: true });
    for (const server of servers) {
      for (const ended of [token, first, second]) expect(await use(ended, server)).toBeNull();
      expect(await use(last, server)).not.toBeNull();
    }
    expect(events.filter((event) => event.startsWith('rotated'))).toEqual(['rotated pending', 'rotated pending', 'rotated immediate']);
  });

  test('rule 21: its token goes to the call that made it alone', async () => {
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

  test('rule 23: an honest request that was under way is refused, and is no reuse', async () => {
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
  test.each([1, 2, 8])('rule 23: a token of %i rotations ago is reported, and ends the session where it is to', async (count) => {
    const { clock, token, use, replace, events } = await setUp({ onReuse: 'destroy' });
    let newest = token;
    for (let index = 0; index < count; index += 1) {
      newest = await replace(newest);
      clock.now += 2 * MINUTE;
    }
    expect(await use(token)).toBeNull();
    expect(events.slice(count)).toEqual(['reuse-detected', 'destroyed reuse']);
    expect(await use(newest)).toBeNull();
  });

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

  test('rule 23: onReuse destroy is tried again where the store was away', async () => {
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
    'rule 23: a server whose clock differs by %i ms takes no honest request for a theft',
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

describe('find(id).rotate()', () => {
  test('rule 21: the server, which has shown no token, makes one that no client can derive', async () => {
    const { clock, sessions, id, token, use, call } = await setUp();
    const made = await (await sessions.find(id))?.rotate();
    await expect((await call(token)).rotate()).rejects.toMatchObject(REPLACED);
    expect((await use(made ?? ''))?.id).toBe(id);
    expect((await use(token))?.id).toBe(id);
    clock.now += GRACE;
    expect(await use(token)).toBeNull();
  });

  test('rule 21: it is refused while a client can fetch a pending token', async () => {
    const { clock, sessions, id, token, call } = await setUp();
    await (await call(token)).rotate();
    clock.now += HOUR;
    await expect((await sessions.find(id))?.rotate()).rejects.toMatchObject(REPLACED);
  });

  test('rule 22: with immediate it ends all tokens that clients hold', async () => {
    const { sessions, id, token, use, call } = await setUp();
    const pending = await (await call(token)).rotate();
    const made = await (await sessions.find(id))?.rotate({ immediate: true });
    expect([await use(token), await use(pending)]).toEqual([null, null]);
    expect((await use(made ?? ''))?.id).toBe(id);
  });
});

describe('what the record keeps', () => {
  test('rule 21: the random value of a rotation leaves the record when the grace is over', async () => {
    const { clock, token, call, replace, store, id } = await setUp();
    const next = await replace(token);
    const salt = async () => JSON.parse((await store.find(id))?.body ?? '').o?.[4];
    expect(await salt()).toMatch(/^[\w-]{22}$/);
    clock.now += GRACE;
    await (await call(next)).update((data) => void Object.assign(data, { userId: 'bob' }));
    expect(await salt()).toBeUndefined();
  });

  test('rule 21: it also leaves when the session is only used, at its next touch', async () => {
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
