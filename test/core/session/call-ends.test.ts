import { describe, expect, test, vi } from 'vitest';
import { BOB, CAROL, type Data, openRequest, sessionOf } from './support/calls.js';

test('rule 18: if the last of several logins cannot take effect, the call acts for its own session again', async () => {
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

test('rule 2: a call that changes its session and then ends it is no call whose session others ended', async () => {
  const { begin, events, id } = await openRequest();
  const call = await begin();
  const session = sessionOf(call);
  session.data.a = 1;
  await session.destroy();
  await call.commit();
  expect(events).toEqual([`destroyed ${id}`]);
});

test('rule 2: once a call has ended the session, save, update, touch and reload of the other calls fail', async () => {
  const { begin, store } = await openRequest();
  const [call, other] = [await begin(), await begin()];
  const session = sessionOf(other);
  await sessionOf(call).destroy();
  store.reset();
  for (const run of [
    () => session.save(),
    () => session.update(() => undefined),
    () => session.touch(),
    () => session.reload(),
  ])
    await expect(run()).rejects.toMatchObject({ code: 'SESSION_GONE' });
  expect(store.total()).toBe(0);
});

test('a context outside a guard shows no session that has ended, and a call that has begun keeps its own', async () => {
  const { opened, begin, sessions, id } = await openRequest();
  const context = opened.open({ hasOutcome: false });
  await context.load();
  const call = await begin();
  expect(call.sessions.current?.id).toBe(id);
  await sessions.destroy(id);
  expect([context.sessions.current, call.sessions.current?.id, call.liveSession]).toEqual([null, id, null]);
});

test.each(['', 'nonsense', '../x', '01900000-0000-4000-8000-000000000000'])(
  'invariant 8: destroy(%j) is false without a store call, because it is no id of a session',
  async (nonsense) => {
    const ownerOf = ({ user }: Data) => user;
    const { begin, sessions, store } = await openRequest({ sessions: { ownerOf } });
    const call = await begin();
    store.reset();
    expect(await call.sessions.destroy(nonsense)).toBe(false);
    expect([await sessions.destroy(nonsense), await sessions.find(nonsense)]).toEqual([false, null]);
    expect(store.total()).toBe(0);
  },
);

describe('streams and ends', () => {
  test('rule 18: a create in the body of a stream takes effect at once, also in an enclosing call', async () => {
    const { begin, events } = await openRequest({ signedIn: false });
    const outer = await begin();
    const inner = outer.open({ hasOutcome: true });
    await inner.load();
    inner.stream();
    const created = await inner.sessions.create(BOB);
    expect(events).toEqual([`created ${created.id}`]);
  });

  test("rule 20: unchanged data of a stream follows the request's updates; changed data stays", async () => {
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

  test('rule 5: a watcher is called once when others end the session', async () => {
    const { begin, sessions, id } = await openRequest();
    const call = await begin();
    const ended = vi.fn();
    call.watchEnd(ended);
    await sessions.destroy(id);
    await sessions.destroy(id);
    expect(ended).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'SESSION_GONE' }));
  });

  test('rule 18: a watcher is not called for an end that the call itself causes', async () => {
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

  test('a signal of an anonymous call does not abort when its login is undone', async () => {
    const { begin, store } = await openRequest({ signedIn: false });
    const call = await begin();
    const { signal } = call.sessions;
    const aborted = vi.fn();
    signal.addEventListener('abort', aborted);
    await call.sessions.create(BOB);
    await call.rollback();
    expect([aborted.mock.calls.length, await store.count?.()]).toEqual([0, 1]);
  });

  test('a signal follows the call back to its own session when a login is undone', async () => {
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
