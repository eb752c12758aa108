import { describe, expect, test, vi } from 'vitest';
import { bearer, createSessions, type SessionStore } from '../../../src/index.js';
import { countingStore } from '../../support/counting-store.js';
import { gate } from '../../support/gate.js';
import { openRequest, sessionOf } from './support/calls.js';
import { bound, type Data, GRACE, HOUR, MINUTE, REPLACED, setUp } from './support/rotation.js';

describe('rotate', () => {
  test('rule 21: the old token is valid until the first use of the new one, and then for the grace', async () => {
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

  test.each([1, 2])(
    'rule 21: concurrent calls that rotate all get the same token, in %i processes',
    async (processes) => {
      const { token, use, call, make, events } = await setUp();
      const all = Array.from({ length: processes }, () => make());
      const calls = await Promise.all(Array.from({ length: 20 }, (_, index) => call(token, all[index % processes])));
      const tokens = await Promise.all(calls.map((each) => each.rotate()));
      expect(new Set(tokens).size).toBe(1);
      expect(tokens[0]).not.toBe(token);
      expect(await use(tokens[0] ?? '')).not.toBeNull();
      expect(events.filter((event) => event.startsWith('rotated'))).toEqual(['rotated pending']);
    },
  );

  test('rule 21: a client whose answer was lost gets the same token again, and the lost token works', async () => {
    const { clock, token, use, call } = await setUp();
    const lost = await (await call(token)).rotate();
    clock.now += 5 * HOUR;
    expect(await (await call(token)).rotate()).toBe(lost);
    expect(await use(lost)).not.toBeNull();
  });

  test.each([{}, { reauthenticated: true }])(
    'rule 21: a call that was admitted before gets the successor in its grace (%o)',
    async (how) => {
      const { clock, token, call } = await setUp();
      const late = [await call(token), await call(token)];
      const next = await (await call(token)).rotate(how);
      await call(next);
      clock.now += GRACE - 1;
      expect(await late[0]?.rotate(how)).toBe(next);
      clock.now += 1;
      await expect(late[1]?.rotate(how)).rejects.toMatchObject(REPLACED);
    },
  );

  test('rule 21: a late call gets nothing if the kinds differ, or if a later rotation is pending or used', async () => {
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

  test("rule 21: a long call does not get a successor that was replaced after the call's read", async () => {
    for (const how of [{}, { immediate: true }]) {
      const { token, call, replace, make } = await setUp();
      const next = await (await call(token)).rotate();
      const long = [await call(token), await call(token, make())];
      await call(next);
      await replace(next, how);
      for (const each of long) await expect(each.rotate()).rejects.toMatchObject(REPLACED);
    }
  });

  test('rule 21: an older read that arrives late does not cause the refusal of a new token', async () => {
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
    // The newer one comes first: both wait for one write then.
    answers.reverse();
    const opened = Promise.all([older, newer]);
    const answering = setInterval(() => answers.splice(0).forEach((answer) => void answer()), 1);
    expect((await opened).map(({ session }) => session?.data.userId)).toEqual(['ann', 'ann']);
    clearInterval(answering);
  });

  test('rule 21: a refusal that other servers have made obsolete is not final', async () => {
    const { clock, token, call } = await setUp();
    await (await call(token)).rotate({ reauthenticated: true });
    const long = await call(token);
    clock.now += MINUTE;
    const next = await (await call(token)).rotate();
    expect(await long.rotate()).toBe(next);
  });

  test('rule 2: a rotation of an ended session is SESSION_GONE, even if nothing needs to be written', async () => {
    const { token, call, sessions, id } = await setUp();
    await (await call(token)).rotate();
    const calls = [await call(token), await call(token), await call(token)];
    await sessions.destroy(id);
    for (const [index, how] of [{}, { reauthenticated: true }, { immediate: true }].entries()) {
      await expect(calls[index]?.rotate(how)).rejects.toMatchObject({ code: 'SESSION_GONE' });
    }
  });

  test('rule 8: a rotation makes one store call more than a read, and another if it needs no write', async () => {
    const { token, call, store } = await setUp();
    const counting = countingStore(store);
    const session = await call(token, createSessions<Data>({ store: counting }));
    await session.rotate();
    expect(counting.calls).toMatchObject({ find: 1, replace: 1 });
    await session.rotate();
    expect(counting.calls).toMatchObject({ find: 2, replace: 1 });
  });

  test('only the rotated session has the token', async () => {
    const { token, call } = await setUp();
    const [a, b] = [await call(token), await call(token)];
    const next = await a.rotate();
    expect([a.token, b.token]).toEqual([next, undefined]);
  });

  test('rule 3: a concurrent write of data and a rotation both survive', async () => {
    const { token, use, call } = await setUp();
    const [a, b] = [await call(token), await call(token)];
    b.data.userId = 'bob';
    const [next] = await Promise.all([a.rotate(), b.save()]);
    expect((await use(next))?.data).toEqual({ userId: 'bob' });
  });
});

describe('find(id).rotate()', () => {
  test('rule 21: the server shows no token, so it makes one that no client can derive', async () => {
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

test.each([{ immediate: true }, {}])(
  'rule 17: a call costs no more after many rotations on its socket: %j',
  async (options) => {
    const { opened, begin, clock, sessions } = await openRequest({ socket: true });
    const rotate = async () => {
      const call = await begin();
      const token = await sessionOf(call).rotate(options);
      await call.commit();
      return token;
    };
    for (let count = 0; count < 30; count += 1) {
      // Another request uses the token, so that the next rotation makes a new one.
      await sessions.fromToken(await rotate());
      clock.advance(120_000);
    }
    const { authentication } = opened.open({ hasOutcome: true }).request.services;
    const asked = vi.spyOn(authentication, 'revalidate');
    const call = await begin();
    expect(sessionOf(call).data).toEqual({ user: 'ann' });
    expect(asked.mock.calls[0]?.[1].length).toBeLessThan(10);
  },
);

test('rule 24: a rotation that the store answers after a logout does not write the token of the ended session', async () => {
  const counting = countingStore();
  const answered = gate();
  const store: SessionStore = {
    ...counting,
    replace: async (...write) => {
      const outcome = await counting.replace(...write);
      await answered.opened;
      return outcome;
    },
  };
  const { opened, begin } = await openRequest({ sessions: { store, sources: [bearer({ respond: true })] } });
  const [rotating, leaving] = [await begin(), await begin()];
  const rotated = sessionOf(rotating).rotate();
  await vi.waitFor(() => expect(counting.calls.replace).toBe(1));
  await sessionOf(leaving).destroy();
  answered.open();
  await rotated;
  await Promise.all([rotating.commit(), leaving.commit()]);
  expect(opened.head.headers.get('session-token')).toBe('');
});
