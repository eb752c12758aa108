import { describe, expect, test, vi } from 'vitest';
import { memoryStore } from '../../../src/index.js';
import { BOB, CAROL, type Data, openRequest, sessionOf } from './support/calls.js';

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

  test('rule 12: a nested call has its own draft, without the outer call’s unsaved changes', async () => {
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

  test('rule 14: a session that the call has left refuses access to its data, and keeps its id and times', async () => {
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
      expect([old.id, typeof old.createdAt, typeof old.expiresAt, typeof old.authenticatedAt]).toEqual([
        id,
        'number',
        'number',
        'number',
      ]);
      expect(JSON.parse(JSON.stringify(old))).not.toHaveProperty('data');
    }
  });
});

describe('create', () => {
  test('rule 18: a login takes effect when the call commits: then the previous session ends and the event is emitted', async () => {
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

  test("rule 18: the call's changes of the new session are saved with the login", async () => {
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

  test('rule 18: concurrent creates end all sessions but the last', async () => {
    const { begin, store } = await openRequest({ signedIn: false });
    const call = await begin();
    const made = await Promise.all([
      call.sessions.create(BOB),
      call.sessions.create(CAROL),
      call.sessions.create(BOB),
    ]);
    await call.commit();
    expect(await store.count?.()).toBe(2);
    expect(call.sessions.current?.id).toBe(made.at(-1)?.id);
  });

  test('rule 18: a create that was not awaited is part of the outcome', async () => {
    for (const outcome of ['commit', 'rollback'] as const) {
      const { begin, store } = await openRequest({ signedIn: false });
      const call = await begin();
      const creating = call.sessions.create(BOB);
      await call[outcome]();
      await creating.catch(() => undefined);
      await vi.waitFor(async () => expect(await store.count?.()).toBe(outcome === 'commit' ? 2 : 1));
    }
  });

  test('a create after the end of the call is refused, and inserts nothing', async () => {
    const { begin, store } = await openRequest();
    const call = await begin();
    await call.commit();
    await expect(call.sessions.create(BOB)).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    expect(store.calls.insert).toBe(0);
  });

  test('rule 18: without a reported outcome, a login takes effect at once', async () => {
    const { opened, events, id } = await openRequest();
    const context = opened.open({ hasOutcome: false });
    const created = await context.sessions.create(BOB);
    expect(events).toEqual([`created ${created.id}`, `destroyed ${id}`]);
  });

  test('rule 18: a login is undone if its previous session cannot be ended and still exists', async () => {
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

  test("rule 18: a login succeeds if the answer to its previous session's end was lost and the session is gone", async () => {
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

  test('rule 12: the session that a nested call creates becomes the outer call’s, and ends if the outer call fails', async () => {
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

  test('rule 12: a nested call that fails leaves the outer call unchanged', async () => {
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
