import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSessions, memoryStore, type Session, SessionError, type SessionStore, type SessionsOptions } from '../../../src/index.js';
import { testClock } from '../../support/clock.js';
import { type Fault, faultyStore } from '../../support/faulty-store.js';

interface Data {
  user: string;
  views: number;
}

/** Short, as some calls here are never answered. */
const TIMEOUT = 30;
const UNAVAILABLE = { code: 'STORE_UNAVAILABLE' };
const GONE = { code: 'SESSION_GONE' };

async function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const clock = testClock();
  const inner = memoryStore({ now: clock.now });
  const store = faultyStore(inner);
  const common = { now: clock.now, touchInterval: '1m', ...options } as const;
  const sessions = createSessions<Data>({ ...common, store, storeTimeout: TIMEOUT });
  // Another process, whose connection is sound.
  const others = createSessions<Data>({ ...common, store: inner });
  const { token, id } = await sessions.create({ user: 'ada', views: 0 });
  const load = async (via = others) => (await via.fromToken(token)).session;
  const mine = await load(sessions);
  if (!mine) throw new Error('the session is gone');
  const errors: string[] = [];
  sessions.on('store-error', (event) => errors.push(event.id));
  return { clock, inner, store, sessions, others, token, id, load, mine, errors };
}

const countUp = (data: Data) => {
  data.views += 1;
};

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

describe('create', () => {
  test('a session whose insert was answered and lost is handed out, and there once', async () => {
    const { store, sessions, others } = await setUp();
    store.fail('insert', 'lost');
    const { token } = await sessions.create({ user: 'eve', views: 0 });
    expect((await others.fromToken(token)).session?.data.user).toBe('eve');
    expect([store.calls.insert, await others.count()]).toEqual([2, 2]);
  });

  test.each<Fault>(['refused', 'mute', 'deaf', 'late'])(
    'invariant 6: an insert that is %s is STORE_UNAVAILABLE, and hands out nothing',
    async (fault) => {
      const { store, sessions, others } = await setUp();
      const created: string[] = [];
      sessions.on('created', ({ id }) => created.push(id));
      store.fail('insert', fault);
      await expect(sessions.create({ user: 'eve', views: 0 })).rejects.toMatchObject(UNAVAILABLE);
      expect(created).toEqual([]);
      await store.arrive();
      // What arrives after all is a session without a holder.
      expect(await others.count()).toBe(fault === 'mute' || fault === 'late' ? 2 : 1);
    },
  );

  test('a login over a session that cannot be ended is refused, and leaves the request with the old one', async () => {
    const { store, sessions, token, load } = await setUp();
    const context = await sessions.fromToken(token);
    store.fail('delete', 'refused');
    await expect(context.sessions.create({ user: 'eve', views: 0 })).rejects.toMatchObject(UNAVAILABLE);
    expect(context.sessions.current?.data.user).toBe('ada');
    expect((await load())?.data.user).toBe('ada');
  });
});

describe('rotate', () => {
  test('a rotation whose answer was lost gives the token that the store knows', async () => {
    const { store, sessions, mine, token } = await setUp();
    store.fail('replace', 'lost');
    const next = await mine.rotate();
    expect(store.done.replace).toBe(1);
    expect((await sessions.fromToken(token)).session).not.toBeNull();
    expect((await sessions.fromToken(next)).session).not.toBeNull();
  });

  test.each<Fault>(['refused', 'mute', 'deaf', 'late'])(
    'a rotation that is %s leaves the old token, which can rotate again',
    async (fault) => {
      const { store, sessions, mine, token, load } = await setUp();
      store.fail('replace', fault);
      await expect(mine.rotate()).rejects.toMatchObject(UNAVAILABLE);
      const next = await (await load(sessions))?.rotate();
      await store.arrive();
      expect((await sessions.fromToken(token)).session).not.toBeNull();
      expect((await sessions.fromToken(next)).session).not.toBeNull();
    },
  );
});

describe('destroy', () => {
  test('invariant 5: a destroy whose answer was lost has ended the session', async () => {
    const { store, sessions, mine, load, id } = await setUp();
    const destroyed: string[] = [];
    sessions.on('destroyed', (event) => destroyed.push(event.id));
    store.fail('delete', 'lost');
    await mine.destroy();
    expect(await load()).toBeNull();
    expect(destroyed).toEqual([id]);
  });

  test.each<Fault>(['refused', 'deaf'])('invariant 6: a destroy that is %s says so, and can be done again', async (fault) => {
    const { store, mine, load } = await setUp();
    store.fail('delete', fault);
    await expect(mine.destroy()).rejects.toMatchObject(UNAVAILABLE);
    expect((await load())?.data.user).toBe('ada');
    expect(await mine.update(countUp)).toMatchObject({ views: 1 });
    await mine.destroy();
    expect(await load()).toBeNull();
  });

  test('invariant 2: a destroy that arrives after its time-out ends the session for good', async () => {
    const { store, mine, load } = await setUp();
    store.fail('delete', 'late');
    await expect(mine.destroy()).rejects.toMatchObject(UNAVAILABLE);
    store.fail('replace', 'late');
    await expect(mine.update(countUp)).rejects.toMatchObject(UNAVAILABLE);
    // The delete first, then the write that was under way beside it.
    await store.arrive();
    expect(await load()).toBeNull();
    await expect(mine.update(countUp)).rejects.toMatchObject(GONE);
  });
});

test('invariant 3: whatever happens to the calls, what was acknowledged is there once, and what was not is there once at most', async () => {
  const fault = fc.constantFrom<(Fault | undefined)[]>('lost', 'refused', undefined, undefined);
  await fc.assert(
    fc.asyncProperty(fc.array(fault, { maxLength: 12 }), fc.array(fault, { maxLength: 12 }), async (replaces, finds) => {
      const { store, mine, load } = await setUp();
      store.fail('replace', ...replaces);
      store.fail('find', ...finds);
      let acknowledged = 0;
      for (let tries = 0; tries < 8; tries += 1) {
        const outcome = await mine.update(countUp).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject(UNAVAILABLE);
        else acknowledged += 1;
      }
      const views = (await load())?.data.views ?? 0;
      expect(views).toBe(store.done.replace);
      expect(views).toBeGreaterThanOrEqual(acknowledged);
      const unanswered = 8 - acknowledged;
      expect(views).toBeLessThanOrEqual(acknowledged + unanswered);
    }),
  );
});
