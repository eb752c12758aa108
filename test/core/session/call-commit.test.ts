import { describe, expect, test } from 'vitest';
import { BOB, CAROL, type Data, KEYS, LONG, openRequest, sessionOf } from './support/calls.js';

describe('load', () => {
  test('rule 12: calls of one request begin with the same session, with one look-up', async () => {
    const { begin, store, id } = await openRequest();
    const calls = await Promise.all([begin(), begin(), begin()]);
    expect(calls.map((call) => call.sessions.current?.id)).toEqual([id, id, id]);
    expect(store.calls.find).toBe(1);
  });

  test('rule 12: a call on a socket begins with the session that the connection has at that moment', async () => {
    const { begin, sessions, store, id } = await openRequest({ socket: true });
    const first = await begin();
    await begin();
    expect(store.calls.find).toBe(2);
    await sessions.destroy(id);
    expect((await begin()).sessions.current).toBeNull();
    // The first call has begun: it keeps the session, which refuses its writes.
    expect(first.sessions.current?.id).toBe(id);
    await expect(sessionOf(first).update(() => undefined)).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  test('rule 12: a call keeps the session of its first look-up, however often it loads', async () => {
    const { begin, sessions, store } = await openRequest();
    const call = await begin();
    const session = await call.sessions.load();
    await sessions.destroy(session?.id ?? '');
    expect(await call.sessions.load()).toBe(session);
    expect(store.calls.find).toBe(1);
  });

  test('rule 12: a guard that looks again refuses a session that this process knows has ended', async () => {
    const { begin, sessions, id } = await openRequest();
    const call = await begin();
    expect(call.liveSession).toBe(call.session);
    await sessions.destroy(id);
    expect(call.liveSession).toBeNull();
  });

  test.each([
    ['load', null],
    ['list', []],
    ['destroyOthers', 0],
    ['destroy', false],
  ] as const)(
    'invariant 5: on a socket, %s does nothing for a session that has ended since the last look',
    async (method, nothing) => {
      const { opened, sessions, id } = await openRequest({ socket: true, sessions: { ownerOf: (data) => data.user } });
      const other = await sessions.create({ user: 'ann' });
      const context = opened.open({ hasOutcome: false }).sessions;
      expect((await context.load())?.id).toBe(id);
      await sessions.destroy(id);
      expect(await context[method](other.id)).toEqual(nothing);
      expect(await sessions.find(other.id)).not.toBeNull();
    },
  );
});

describe('commit and rollback', () => {
  test('invariant 8: calls that end together write once', async () => {
    const { begin, store, stored } = await openRequest();
    const calls = await Promise.all(KEYS.map(() => begin()));
    for (const call of calls) call.joinBatch();
    const commits = calls.map((call, index) => {
      sessionOf(call).data[KEYS[index] ?? 'a'] = 1;
      return call.commit(LONG);
    });
    await Promise.all(commits);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored()).toEqual({ user: 'ann', a: 1, b: 1, c: 1 });
  });

  test.each(['commits without a change', 'is rolled back', 'ends', 'becomes a stream'])(
    'a write waits for another call only until that call %s',
    async (how) => {
      const { begin, store, stored } = await openRequest();
      const [writer, other] = [await begin(), await begin()];
      for (const call of [writer, other]) call.joinBatch();
      sessionOf(writer).data.a = 1;
      const written = writer.commit(LONG);
      await Promise.resolve();
      expect(store.calls.replace).toBe(0);
      if (how === 'commits without a change') await other.commit(LONG);
      else if (how === 'is rolled back') await other.rollback();
      else if (how === 'ends') other.end();
      else other.stream();
      await written;
      expect(await stored()).toEqual({ user: 'ann', a: 1 });
    },
  );

  test('a call joins its batch before its session is loaded', async () => {
    const { opened, store, stored } = await openRequest();
    const [first, second] = [opened.open({ hasOutcome: true }), opened.open({ hasOutcome: true })];
    for (const call of [first, second]) call.joinBatch();
    await first.load();
    sessionOf(first).data.a = 1;
    const committed = first.commit(LONG);
    await second.load();
    sessionOf(second).data.b = 2;
    await Promise.all([committed, second.commit(LONG)]);
    expect(store.calls).toMatchObject({ find: 1, replace: 1 });
    expect(await stored()).toEqual({ user: 'ann', a: 1, b: 2 });
  });

  test('rule 11: changes of a rolled back call are never saved, not even with those of another call', async () => {
    const { begin, stored, store } = await openRequest();
    const [failing, succeeding] = [await begin(), await begin()];
    sessionOf(failing).data.a = 1;
    sessionOf(succeeding).data.b = 2;
    await failing.rollback();
    await failing.saveSoFar();
    await succeeding.commit();
    expect(await stored()).toEqual({ user: 'ann', b: 2 });
    expect(store.calls.replace).toBe(1);
  });

  test('a commit that cannot write rejects, and drops the changes', async () => {
    const { begin, store, stored } = await openRequest();
    const call = await begin();
    sessionOf(call).data.a = 1;
    store.before = (verb) => {
      if (verb === 'replace') throw new Error('down');
    };
    await expect(call.commit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.before = undefined;
    expect(call.isDirty).toBe(false);
    expect(await stored()).toEqual({ user: 'ann' });
  });

  test('rule 2: a change of a session that has ended meanwhile is not written, and is reported once', async () => {
    const { begin, sessions, events, id, store } = await openRequest();
    const call = await begin();
    await sessions.destroy(id);
    events.length = 0;
    sessionOf(call).data.a = 1;
    await call.saveSoFar();
    await call.commit();
    expect(events).toEqual([`gone ${id}`]);
    expect(await store.count?.()).toBe(0);
  });

  test('rule 18: a call without an outcome saves only explicitly, and warns if changes are lost', async () => {
    const { opened, stored } = await openRequest();
    const context = opened.open({ hasOutcome: false });
    await context.load();
    sessionOf(context).data.a = 1;
    context.end();
    expect(await stored()).toEqual({ user: 'ann' });
    await sessionOf(context).save();
    expect(await stored()).toEqual({ user: 'ann', a: 1 });
  });
});

describe('the root fields of a mutation', () => {
  test('rule 18: each field’s changes are saved or dropped separately, in one write', async () => {
    const { begin, store, stored } = await openRequest();
    const call = await begin();
    for (const [index, key] of KEYS.entries()) {
      call.fields.begin(key);
      sessionOf(call).data[key] = index + 1;
    }
    await call.commit(0, (field) => field !== 'b');
    expect(await stored()).toEqual({ user: 'ann', a: 1, c: 3 });
    expect(store.calls.replace).toBe(1);
  });

  test('rule 18: a field does not see the changes of an earlier one whose resolver failed', async () => {
    const { begin, stored } = await openRequest();
    const call = await begin();
    call.fields.begin('first');
    sessionOf(call).data.a = 1;
    call.fields.begin('second');
    sessionOf(call).data.b = 2;
    await call.dropField();
    call.fields.begin('third');
    expect(sessionOf(call).data).toEqual({ user: 'ann', a: 1 });
    sessionOf(call).data.c = 3;
    await call.commit(0, (field) => field !== 'second');
    expect(await stored()).toEqual({ user: 'ann', a: 1, c: 3 });
  });

  test('rule 18: save and update write only the changes of the field that runs', async () => {
    const { begin, stored } = await openRequest();
    const call = await begin();
    call.fields.begin('first');
    sessionOf(call).data.a = 1;
    call.fields.begin('second');
    sessionOf(call).data.b = 2;
    await sessionOf(call).save();
    expect(await stored()).toEqual({ user: 'ann', b: 2 });
    call.fields.begin('third');
    await sessionOf(call).update((data) => {
      (data as Data).c = ((data as Data).c ?? 0) + 1;
    });
    expect(await stored()).toEqual({ user: 'ann', b: 2, c: 1 });
    expect(sessionOf(call).data).toEqual({ user: 'ann', a: 1, b: 2, c: 1 });
    await call.commit(0, (field) => field !== 'first');
    expect(await stored()).toEqual({ user: 'ann', b: 2, c: 1 });
  });

  test('rule 18: the login of a failed field is undone, and the next field acts for the previous session', async () => {
    const { begin, store, events } = await openRequest({ signedIn: false });
    const call = await begin();
    call.fields.begin('login');
    await call.sessions.create(BOB);
    await call.dropField();
    call.fields.begin('next');
    expect(call.sessions.current).toBeNull();
    await call.commit(0, (field) => field !== 'login');
    expect([await store.count?.(), events]).toEqual([1, []]);
  });

  test('rule 18: if several fields log in, the last successful login takes effect', async () => {
    const { begin, stored, events, id } = await openRequest();
    const call = await begin();
    call.fields.begin('first');
    const first = await call.sessions.create(BOB);
    call.fields.begin('second');
    const second = await call.sessions.create(CAROL);
    await call.commit(0, (field) => field === 'first');
    expect([await stored(first.id), await stored(second.id), await stored(id)]).toEqual([BOB, undefined, undefined]);
    expect(events).toEqual([`created ${first.id}`, `destroyed ${id}`]);
  });
});
