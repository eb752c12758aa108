import { describe, expect, test } from 'vitest';
import { createSessions, memoryStore, type Session, SessionError, type SessionStore } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import type { Fault } from '../../support/faulty-store.js';
import { countUp, type Data, GONE, setUp, TIMEOUT, UNAVAILABLE } from './support/faulty.js';

/** Each way of writing to a session: what it does, and how it shows that it was done. */
const WRITES: readonly {
  readonly name: string;
  readonly run: (session: Session<Data>) => Promise<unknown>;
  readonly shows: (stored: Session<Data>) => boolean;
}[] = [
  {
    name: 'save',
    run: async (session) => {
      session.data.user = 'grace';
      await session.save();
    },
    shows: ({ data }) => data.user === 'grace',
  },
  { name: 'update', run: (session) => session.update(countUp), shows: ({ data }) => data.views === 1 },
  { name: 'touch', run: (session) => session.touch(), shows: (stored) => stored.lastActiveAt > stored.createdAt },
];

/** The four verbs that a store must have. */
function verbsOf(store: SessionStore): SessionStore {
  return {
    insert: (record, ttl) => store.insert(record, ttl),
    find: (id) => store.find(id),
    replace: (record, version, ttl) => store.replace(record, version, ttl),
    delete: (id) => store.delete(id),
  };
}

describe.each(WRITES)('$name', ({ run, shows }) => {
  test('invariant 3: a write whose answer was lost is recognised by its version: it is written once, and succeeds', async () => {
    const { clock, store, mine, load, errors } = await setUp();
    clock.advance(61_000);
    store.fail('replace', 'lost');
    await run(mine);
    expect([store.calls.replace, store.done.replace]).toEqual([1, 1]);
    const stored = await load();
    expect(stored && shows(stored)).toBe(true);
    expect(errors).toEqual([]);
  });

  test('invariant 6: a write that the store refused is STORE_UNAVAILABLE, writes nothing, and can be done again', async () => {
    const { clock, store, mine, inner, id, load, errors } = await setUp();
    clock.advance(61_000);
    const before = await inner.find(id);
    store.fail('replace', 'refused');
    await expect(run(mine)).rejects.toMatchObject({ ...UNAVAILABLE, cause: { message: 'connect ECONNREFUSED' } });
    expect(await inner.find(id)).toEqual(before);
    expect(errors).toEqual([id]);
    await run(mine);
    expect(store.done.replace).toBe(1);
    const stored = await load();
    expect(stored && shows(stored)).toBe(true);
  });

  test('invariant 6: a write whose answer was lost, and that cannot be looked for, is STORE_UNAVAILABLE', async () => {
    const { clock, store, mine, load } = await setUp();
    clock.advance(61_000);
    store.fail('replace', 'lost');
    store.fail('find', 'refused');
    await expect(run(mine)).rejects.toMatchObject(UNAVAILABLE);
    // It has happened all the same, and once.
    expect(store.done.replace).toBe(1);
    const stored = await load();
    expect(stored && shows(stored)).toBe(true);
  });

  test.each<Fault>(['mute', 'deaf'])(
    'invariant 6: a store that is %s is STORE_UNAVAILABLE after storeTimeout, and asked no more',
    async (fault) => {
      const { clock, store, mine } = await setUp();
      clock.advance(61_000);
      store.fail('replace', fault);
      const finds = store.calls.find;
      const started = performance.now();
      await expect(run(mine)).rejects.toMatchObject({ ...UNAVAILABLE, cause: undefined });
      expect(performance.now() - started).toBeGreaterThan(TIMEOUT - 2);
      expect([store.calls.find, store.calls.replace]).toEqual([finds, 1]);
    },
  );

  test('invariant 2: a write whose session was ended meanwhile is SESSION_GONE, also when the answer to it was lost', async () => {
    const { clock, store, mine, others, inner, id } = await setUp();
    clock.advance(61_000);
    await others.destroy(id);
    await expect(run(mine)).rejects.toMatchObject(GONE);
    store.fail('replace', 'lost');
    // Neither was the write recognised, nor is a look enough to say why: an outage it is, and nothing was written.
    await expect(run(mine)).rejects.toMatchObject(UNAVAILABLE);
    expect(await inner.find(id)).toBeNull();
    expect(store.done.replace).toBe(0);
  });
});

describe('update', () => {
  test('invariant 3: an update that is done again after an unknown outcome counts on top of what is there', async () => {
    const { store, mine, load } = await setUp();
    store.fail('replace', 'mute');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    expect(await mine.update(countUp)).toMatchObject({ views: 2 });
    expect((await load())?.data.views).toBe(2);
  });

  test('invariant 3: a write that arrives after its time-out, and after another one, is turned away', async () => {
    const { store, mine, load } = await setUp();
    store.fail('replace', 'late');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    expect(await mine.update(countUp)).toMatchObject({ views: 1 });
    await store.arrive();
    expect((await load())?.data.views).toBe(1);
    expect(await mine.update(countUp)).toMatchObject({ views: 2 });
  });

  test('invariant 3: a write that arrives after its time-out, and before another one, is merged with that', async () => {
    const { store, mine, load } = await setUp();
    store.fail('replace', 'late');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    await store.arrive();
    expect(await mine.update(countUp)).toMatchObject({ views: 2 });
    expect((await load())?.data.views).toBe(2);
  });

  test('invariant 3: where another process wrote on top of a write whose answer was lost, neither is lost', async () => {
    const { store, token, load } = await setUp();
    let armed = false;
    const meeting = {
      ...store,
      find: async (id: string) => {
        if (armed) await (await load())?.update(countUp);
        return store.find(id);
      },
    };
    const session = await load(createSessions<Data>({ store: meeting }));
    expect(token).toContain(session?.id);
    armed = true;
    store.fail('replace', 'lost');
    await expect(session?.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    expect((await load())?.data.views).toBe(2);
  });

  test('writes that went together share the outcome; the queue goes on after it', async () => {
    const { store, mine, load } = await setUp();
    store.fail('replace', 'refused');
    const outcomes = await Promise.allSettled([mine.update(countUp), mine.update(countUp), mine.touch()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    store.fail('replace', 'lost');
    await Promise.all([mine.update(countUp), mine.update(countUp)]);
    expect((await load())?.data.views).toBe(2);
    expect(store.done.replace).toBe(1);
  });
});

describe('load', () => {
  test.each<Fault>(['refused', 'lost', 'mute', 'deaf'])(
    'invariant 6: a find that is %s is STORE_UNAVAILABLE, never anonymous',
    async (fault) => {
      const { store, sessions, token, id, load } = await setUp();
      store.fail('find', fault, fault, fault);
      await expect(sessions.fromToken(token)).rejects.toMatchObject(UNAVAILABLE);
      await expect(sessions.fromHeaders({ authorization: `Bearer ${token}` })).rejects.toMatchObject(UNAVAILABLE);
      await expect(sessions.find(id)).rejects.toMatchObject(UNAVAILABLE);
      expect((await load(sessions))?.data).toEqual({ user: 'ada', views: 0 });
    },
  );

  test("with onStoreError: 'anonymous' a request goes on without a session, and a write is still refused", async () => {
    const { store, sessions, token, mine, errors, id } = await setUp({ onStoreError: 'anonymous' });
    store.fail('find', 'refused', 'mute');
    for (const _ of [1, 2]) expect((await sessions.fromToken(token)).session).toBeNull();
    expect(errors).toEqual([id, id]);
    store.fail('replace', 'refused');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    store.fail('find', 'refused');
    await expect(sessions.find(id)).rejects.toMatchObject(UNAVAILABLE);
  });

  test.each<Fault>(['refused', 'lost', 'mute', 'deaf', 'late'])(
    'invariant 6: activity whose note is %s does not stop the request',
    async (fault) => {
      const { clock, store, sessions, load } = await setUp();
      clock.advance(61_000);
      store.fail('replace', fault);
      store.fail('find', undefined, 'refused');
      expect((await load(sessions))?.data).toEqual({ user: 'ada', views: 0 });
    },
  );

  test('a store that reports at the note of activity that it is no primary any more is not believed', async () => {
    const clock = testClock();
    const inner = memoryStore({ now: clock.now });
    const demoted = () => Promise.reject(new SessionError('STORE_UNAVAILABLE', 'a replica now'));
    const sessions = createSessions<Data>({ now: clock.now, touchInterval: '1m', store: { ...verbsOf(inner), replace: demoted } });
    const { token } = await sessions.create({ user: 'ada', views: 0 });
    clock.advance(61_000);
    await expect(sessions.fromToken(token)).rejects.toMatchObject(UNAVAILABLE);
  });

  test.each<Fault>(['refused', 'mute', 'deaf'])(
    'invariant 6: the first use of a new token is STORE_UNAVAILABLE when its note is %s',
    async (fault) => {
      const { store, sessions, mine, token } = await setUp();
      const next = await mine.rotate();
      store.fail('replace', fault);
      await expect(sessions.fromToken(next)).rejects.toMatchObject(UNAVAILABLE);
      // Nobody was lost by it: both may still be used.
      expect((await sessions.fromToken(next)).session).not.toBeNull();
      expect((await sessions.fromToken(token)).session).not.toBeNull();
    },
  );

  test('the first use of a new token whose note was written and lost is served', async () => {
    const { clock, store, sessions, mine, token } = await setUp();
    const next = await mine.rotate();
    store.fail('replace', 'lost');
    expect((await sessions.fromToken(next)).session).not.toBeNull();
    clock.advance(10_000);
    expect((await sessions.fromToken(token)).session).toBeNull();
  });
});
