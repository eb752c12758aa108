import { describe, expect, test, vi } from 'vitest';
import { memoryStore } from '../../../src/index.js';
import { type Data, LONG, openRequest, sessionOf } from './support/calls.js';

const KEYS = ['a', 'b', 'c'] as const;
const BOB: Data = { user: 'bob' };
const CAROL: Data = { user: 'carol' };

describe('load', () => {
  test('rule 12: calls of one request begin with the same session, by one look-up', async () => {
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
    // The first one has begun: it keeps the session, which refuses its writes.
    expect(first.sessions.current?.id).toBe(id);
    await expect(sessionOf(first).update(() => undefined)).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  test('rule 12: a session that is looked up once stays that of the call, however often it loads', async () => {
    const { begin, sessions, store } = await openRequest();
    const call = await begin();
    const session = await call.sessions.load();
    await sessions.destroy(session?.id ?? '');
    expect(await call.sessions.load()).toBe(session);
    expect(store.calls.find).toBe(1);
  });

  test('rule 12: a guard that looks again refuses a session that this process knows to have ended', async () => {
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
  ] as const)('invariant 5: on a socket, %s does nothing for a session that has ended since the last look', async (method, nothing) => {
    const { opened, sessions, id } = await openRequest({ socket: true, sessions: { ownerOf: (data) => data.user } });
    const other = await sessions.create({ user: 'ann' });
    const context = opened.open({ hasOutcome: false }).sessions;
    expect((await context.load())?.id).toBe(id);
    await sessions.destroy(id);
    expect(await context[method](other.id)).toEqual(nothing);
    expect(await sessions.find(other.id)).not.toBeNull();
  });
});

describe('the drafts of calls', () => {
  test('rule 13: a call sees its own unsaved changes, and no other call does', async () => {
    const { begin, opened } = await openRequest();
    const [mine, theirs] = [await begin(), await begin()];
    sessionOf(mine).data.a = 1;
    expect(sessionOf(mine).data).toEqual({ user: 'ann', a: 1 });
    expect(sessionOf(theirs).data).toEqual({ user: 'ann' });
    expect((await opened.open({ hasOutcome: false }).sessions.load())?.data).toEqual({ user: 'ann' });
  });

  test('rule 13: current is the same object until the call creates or destroys', async () => {
    const { begin } = await openRequest();
    const call = await begin();
    const session = sessionOf(call);
    expect(await call.sessions.load()).toBe(session);
    const created = await call.sessions.create(BOB);
    expect([call.sessions.current, await call.sessions.load()]).toEqual([created, created]);
    await created.destroy();
    expect([call.sessions.current, await call.sessions.load()]).toEqual([null, null]);
  });

  test('rule 12: a nested call has a draft of its own, which does not hold the outer one’s unsaved changes', async () => {
    const { begin, stored } = await openRequest();
    const outer = await begin();
    sessionOf(outer).data.a = 1;
    const inner = outer.open({ hasOutcome: true });
    await inner.load();
    expect(sessionOf(inner).data).toEqual({ user: 'ann' });
    sessionOf(inner).data.b = 2;
    await inner.commit();
    expect(await stored()).toEqual({ user: 'ann', b: 2 });
    await outer.rollback();
    expect(await stored()).toEqual({ user: 'ann', b: 2 });
  });

  test('rule 14: the object of a session that the call has left refuses its data, and keeps its id and times', async () => {
    for (const leave of ['create', 'destroy'] as const) {
      const { begin, id } = await openRequest();
      const call = await begin();
      const old = sessionOf(call);
      await (leave === 'create' ? call.sessions.create(BOB) : old.destroy());
      expect(() => old.data).toThrow(expect.objectContaining({ code: 'SESSION_GONE' }));
      expect(() => {
        old.data = { user: 'mallory' };
      }).toThrow(expect.objectContaining({ code: 'SESSION_GONE' }));
      for (const write of [
        () => old.save(),
        () => old.update(() => undefined),
        () => old.touch(),
        () => old.reload(),
        () => old.rotate(),
      ]) {
        await expect(write()).rejects.toMatchObject({ code: 'SESSION_GONE' });
      }
      expect([old.id, typeof old.createdAt, typeof old.expiresAt, typeof old.authenticatedAt]).toEqual([id, 'number', 'number', 'number']);
      expect(JSON.parse(JSON.stringify(old))).not.toHaveProperty('data');
    }
  });
});

describe('commit and rollback', () => {
  test('invariant 8: calls that end together make one write', async () => {
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
    'a write waits no longer than until another call %s',
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

  test('rule 11: what a rolled back call changed is not saved, by itself or by a neighbour', async () => {
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

  test('rule 2: a change of a session that has ended meanwhile is written nowhere, and told once', async () => {
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

  test('rule 18: a call without an outcome saves nothing on its own, and says so when that is lost', async () => {
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

describe('create', () => {
  test('rule 18: a login takes effect when the call commits: then the previous session ends and the event comes', async () => {
    const { begin, sessions, events, id, stored } = await openRequest();
    const call = await begin();
    const created = await call.sessions.create(BOB);
    expect([events, await stored()]).toEqual([[], { user: 'ann' }]);
    await call.commit();
    expect(events).toEqual([`created ${created.id}`, `destroyed ${id}`]);
    expect(await sessions.find(id)).toBeNull();
    expect(await stored(created.id)).toEqual(BOB);
  });

  test('rule 18: a call that creates and then fails leaves no session, ends none, and acts for its own again', async () => {
    const { begin, store, events, stored, id } = await openRequest();
    const call = await begin();
    const session = sessionOf(call);
    const created = await call.sessions.create(BOB);
    await call.rollback();
    expect(events).toEqual([]);
    expect(await store.count?.()).toBe(1);
    expect(await stored(created.id)).toBeUndefined();
    expect(call.sessions.current).toBe(session);
    expect(session.data).toEqual({ user: 'ann' });
    expect(await stored(id)).toEqual({ user: 'ann' });
  });

  test('rule 18: what the call changed in the new session is saved with the login', async () => {
    const { begin, stored } = await openRequest({ signedIn: false });
    const call = await begin();
    const created = await call.sessions.create(BOB);
    (created.data as Data).a = 1;
    await call.commit();
    expect(await stored(created.id)).toEqual({ user: 'bob', a: 1 });
  });

  test('rule 18: a later create of the same call ends the session of the earlier one', async () => {
    const { begin, store, stored, events } = await openRequest({ signedIn: false });
    const call = await begin();
    const first = await call.sessions.create(BOB);
    const second = await call.sessions.create(CAROL);
    await call.commit();
    expect([await stored(first.id), await stored(second.id)]).toEqual([undefined, CAROL]);
    expect(events).toEqual([`created ${second.id}`]);
    expect(await store.count?.()).toBe(2);
  });

  test('rule 18: creates that run at once end all but the last', async () => {
    const { begin, store } = await openRequest({ signedIn: false });
    const call = await begin();
    const made = await Promise.all([call.sessions.create(BOB), call.sessions.create(CAROL), call.sessions.create(BOB)]);
    await call.commit();
    expect(await store.count?.()).toBe(2);
    expect(call.sessions.current?.id).toBe(made.at(-1)?.id);
  });

  test('rule 18: a create that nobody waited for is part of the outcome', async () => {
    for (const outcome of ['commit', 'rollback'] as const) {
      const { begin, store } = await openRequest({ signedIn: false });
      const call = await begin();
      const creating = call.sessions.create(BOB);
      await call[outcome]();
      await creating.catch(() => undefined);
      await vi.waitFor(async () => expect(await store.count?.()).toBe(outcome === 'commit' ? 2 : 1));
    }
  });

  test('a create after the call is over is refused, and inserts nothing', async () => {
    const { begin, store } = await openRequest();
    const call = await begin();
    await call.commit();
    await expect(call.sessions.create(BOB)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    expect(store.calls.insert).toBe(0);
  });

  test('rule 18: where nothing reports an outcome a login takes effect at once', async () => {
    const { opened, events, id } = await openRequest();
    const context = opened.open({ hasOutcome: false });
    const created = await context.sessions.create(BOB);
    expect(events).toEqual([`created ${created.id}`, `destroyed ${id}`]);
  });

  test('rule 18: a previous session that cannot be ended, and is still there, takes the login back', async () => {
    const { begin, store, id, sessions } = await openRequest();
    const call = await begin();
    const session = sessionOf(call);
    const created = await call.sessions.create(BOB);
    store.before = (verb, of) => {
      if (verb === 'delete' && of === id) throw new Error('down');
    };
    await expect(call.commit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.before = undefined;
    expect([await sessions.find(created.id), (await sessions.find(id))?.id]).toEqual([null, id]);
    expect(call.sessions.responseHeaders.get('cache-control')).toBeNull();
    expect(call.sessions.current).toBe(session);
  });

  test('rule 18: a previous session whose end got lost on the way, and that is gone, lets the login succeed', async () => {
    const { begin, store, id, sessions } = await openRequest();
    const call = await begin();
    const created = await call.sessions.create(BOB);
    let isFirst = true;
    const { delete: remove } = store;
    store.delete = async (of) => {
      const answer = await remove(of);
      if (of !== id || !isFirst) return answer;
      isFirst = false;
      throw new Error('read ECONNRESET');
    };
    await call.commit();
    expect([(await sessions.find(created.id))?.id, await sessions.find(id)]).toEqual([created.id, null]);
  });

  test('rule 12: the session that a nested call creates becomes the outer call’s, and goes when that fails', async () => {
    for (const outcome of ['commit', 'rollback'] as const) {
      const { begin, store, events } = await openRequest({ signedIn: false });
      const outer = await begin();
      const inner = outer.open({ hasOutcome: true });
      const created = await inner.sessions.create(BOB);
      await inner.commit();
      expect([outer.sessions.current?.id, events]).toEqual([created.id, []]);
      (sessionOf(outer).data as Data).b = 2;
      await outer[outcome]();
      expect(await store.count?.()).toBe(outcome === 'commit' ? 2 : 1);
      expect(events).toEqual(outcome === 'commit' ? [`created ${created.id}`] : []);
    }
  });

  test('rule 12: a nested call that fails leaves the outer call as it was', async () => {
    const { begin, store, id } = await openRequest();
    const outer = await begin();
    const session = sessionOf(outer);
    session.data.a = 1;
    const inner = outer.open({ hasOutcome: true });
    await inner.sessions.create(BOB);
    await inner.rollback();
    expect(outer.sessions.current).toBe(session);
    expect(session.data).toEqual({ user: 'ann', a: 1 });
    expect(await store.count?.()).toBe(1);
    await outer.commit();
    expect(outer.sessions.current?.id).toBe(id);
  });

  test('rule 12: logins of the outer and the nested call leave one session, the last', async () => {
    const { begin, store, stored, id } = await openRequest();
    const outer = await begin();
    const first = await outer.sessions.create(BOB);
    const inner = outer.open({ hasOutcome: true });
    await inner.load();
    expect(inner.sessions.current?.id).toBe(first.id);
    const second = await inner.sessions.create(CAROL);
    await inner.commit();
    await outer.commit();
    expect([await stored(id), await stored(first.id), await stored(second.id)]).toEqual([undefined, undefined, CAROL]);
    expect(await store.count?.()).toBe(1);
  });

  test('rule 18: a call that logs in and then logs out leaves neither session', async () => {
    const { begin, store, events, id } = await openRequest();
    const call = await begin();
    const created = await call.sessions.create(BOB);
    await created.destroy();
    await call.commit();
    expect([await store.count?.(), call.sessions.current]).toEqual([0, null]);
    expect(events).toEqual([`destroyed ${id}`]);
  });

  test('rule 12: list, destroyOthers and destroyFor with except treat the replaced session as part of the current one', async () => {
    const options = { ownerOf: (data: Data) => data.user, store: memoryStore() };
    const { opened, sessions, id } = await openRequest({ sessions: options });
    const other = await sessions.create({ user: 'ann' });
    const call = opened.open({ hasOutcome: true });
    const created = await call.sessions.create({ user: 'ann' });
    expect((await call.sessions.list()).map((each) => [each.id, each.isCurrent])).toEqual([
      [other.id, false],
      [created.id, true],
    ]);
    expect(await call.sessions.destroyOthers()).toBe(1);
    const another = await sessions.create({ user: 'ann' });
    expect(await sessions.destroyFor('ann', { except: created.id })).toBe(1);
    expect([await sessions.find(another.id), (await sessions.find(id))?.id]).toEqual([null, id]);
    await call.rollback();
    expect((await sessions.find(id))?.id).toBe(id);
  });
});

describe('the root fields of a mutation', () => {
  test('rule 18: each field’s changes are saved or dropped for themselves, in one write', async () => {
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

  test('rule 18: save and update write the changes of the field that runs only', async () => {
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

  test('rule 18: the login of a field that failed is undone, and the next field acts for the session before', async () => {
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

  test('rule 18: of logins of several fields the last that succeeded takes effect', async () => {
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

test('rule 18: where the last of several logins cannot take effect, the call acts for its own session again', async () => {
  const { begin, store, id } = await openRequest();
  const call = await begin();
  const session = sessionOf(call);
  for (const [field, data] of [
    ['first', BOB],
    ['second', CAROL],
  ] as const) {
    call.fields.begin(field);
    await call.sessions.create(data);
  }
  store.before = (verb, of) => {
    if (verb === 'delete' && of === id) throw new Error('down');
  };
  await expect(call.commit()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  store.before = undefined;
  expect(call.sessions.current).toBe(session);
  expect(await store.count?.()).toBe(1);
});

describe('streams and ends', () => {
  test('rule 18: what the body of a stream creates takes effect at once, also in a call around it', async () => {
    const { begin, events } = await openRequest({ signedIn: false });
    const outer = await begin();
    const inner = outer.open({ hasOutcome: true });
    await inner.load();
    inner.stream();
    const created = await inner.sessions.create(BOB);
    expect(events).toEqual([`created ${created.id}`]);
  });

  test('rule 20: unchanged data of a stream follows what the request learns; changed data stays', async () => {
    const { begin, sessions, id } = await openRequest();
    const call = await begin();
    const session = sessionOf(call);
    session.data.a = 1;
    call.stream();
    await (await sessions.find(id))?.update((data) => {
      data.b = 2;
    });
    const neighbour = await begin();
    await sessionOf(neighbour).reload();
    expect(session.data).toEqual({ user: 'ann', a: 1, b: 2 });
  });

  test('rule 5: a watcher is called when others end the session, once', async () => {
    const { begin, sessions, id } = await openRequest();
    const call = await begin();
    const ended = vi.fn();
    call.watchEnd(ended);
    await sessions.destroy(id);
    await sessions.destroy(id);
    expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'SESSION_GONE' }));
  });

  test('rule 18: a watcher is not called for an end that the call itself brings about', async () => {
    for (const how of ['destroy', 'login', 'login of a nested call'] as const) {
      const { begin } = await openRequest();
      const call = await begin();
      const ended = vi.fn();
      call.watchEnd(ended);
      if (how === 'destroy') await sessionOf(call).destroy();
      else if (how === 'login') await call.sessions.create(BOB);
      else {
        const inner = call.open({ hasOutcome: true });
        await inner.sessions.create(BOB);
        await inner.commit();
      }
      await call.commit();
      expect(ended).not.toHaveBeenCalled();
    }
  });

  test('rule 5: after a login a watcher is called for the new session', async () => {
    const { begin, sessions } = await openRequest();
    const call = await begin();
    call.stream();
    const ended = vi.fn();
    call.watchEnd(ended);
    const created = await call.sessions.create(BOB);
    expect(ended).not.toHaveBeenCalled();
    await sessions.destroy(created.id);
    expect(ended).toHaveBeenCalledOnce();
  });

  test('rule 18: a login of a stream that cannot take effect does not end the stream', async () => {
    const { begin, store, id, sessions } = await openRequest();
    const call = await begin();
    call.stream();
    const ended = vi.fn();
    call.watchEnd(ended);
    const { signal } = call.sessions;
    store.before = (verb, of) => {
      if (verb === 'delete' && of === id) throw new Error('down');
    };
    await expect(call.sessions.create(BOB)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.before = undefined;
    expect([ended.mock.calls.length, signal.aborted, call.sessions.current?.id]).toEqual([0, false, id]);
    expect(sessionOf(call).data).toEqual({ user: 'ann' });
    await sessions.destroy(id);
    expect([ended.mock.calls.length, signal.aborted]).toEqual([1, true]);
  });

  test('a signal of a call that was anonymous does not abort when its login is taken back', async () => {
    const { begin, store } = await openRequest({ signedIn: false });
    const call = await begin();
    const { signal } = call.sessions;
    const aborted = vi.fn();
    signal.addEventListener('abort', aborted);
    await call.sessions.create(BOB);
    await call.rollback();
    expect([aborted.mock.calls.length, await store.count?.()]).toEqual([0, 1]);
  });

  test('a signal follows the call back to its own session when a login is taken back', async () => {
    const { begin, sessions, id } = await openRequest();
    const call = await begin();
    const { signal } = call.sessions;
    const aborted = vi.fn();
    signal.addEventListener('abort', aborted);
    await call.sessions.create(BOB);
    await call.rollback();
    expect(aborted).not.toHaveBeenCalled();
    await sessions.destroy(id);
    expect(aborted).toHaveBeenCalledOnce();
  });
});
