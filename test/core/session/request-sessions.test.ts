import { describe, expect, test, vi } from 'vitest';
import { createSessions, header, memoryStore, type SessionsOptions } from '../../../src/index.js';

interface Data {
  userId: string;
  theme?: string;
}

function setUp(options: Partial<SessionsOptions<Data>> = {}) {
  const store = memoryStore();
  const sessions = createSessions<Data>({ store, ownerOf: (data) => data.userId, ...options });
  const request = (token?: string) => sessions.fromHeaders(token ? { authorization: `Bearer ${token}` } : {});
  return { store, sessions, request };
}

describe('a request’s sessions', () => {
  test('create makes the new session the current one and ends the previous one', async () => {
    const { sessions, request } = setUp();
    const first = await sessions.create({ userId: 'guest' });
    const { sessions: ours, session } = await request(first.token);
    const second = await ours.create({ userId: 'ann' });
    expect(ours.current?.id).toBe(second.id);
    expect((await ours.load())?.id).toBe(second.id);
    expect(second.isNew).toBe(true);
    expect((await request(first.token)).session).toBeNull();
    expect((await request(second.token)).session?.data).toEqual({ userId: 'ann' });
    await expect(session?.save()).rejects.toMatchObject({ code: 'SESSION_GONE' });
  });

  test('current follows destroy, also by id', async () => {
    const { sessions, request } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const { sessions: ours, session } = await request(token);
    expect(ours.current?.id).toBe(session?.id);
    await session?.destroy();
    await session?.destroy();
    expect(ours.current).toBeNull();
    expect(await ours.load()).toBeNull();
    const other = await request((await sessions.create({ userId: 'ann' })).token);
    expect(await other.sessions.destroy(other.session?.id ?? '')).toBe(true);
    expect(other.sessions.current).toBeNull();
  });

  test('lists the sessions of its own account, oldest first, without tokens', async () => {
    const { sessions, request } = setUp();
    const a = await sessions.create({ userId: 'ann' });
    const b = await sessions.create({ userId: 'ann' });
    await sessions.create({ userId: 'bob' });
    const list = await (await request(b.token)).sessions.list();
    expect(list.map((each) => [each.id, each.isCurrent])).toEqual([
      [a.id, false],
      [b.id, true],
    ]);
    expect(Object.keys(list[0] ?? {}).sort()).toEqual([
      'createdAt',
      'data',
      'expiresAt',
      'id',
      'isCurrent',
      'lastActiveAt',
    ]);
    expect(JSON.stringify(list)).not.toContain(a.token.slice(-43));
    expect((await sessions.listFor('ann')).map((each) => each.id)).toEqual([a.id, b.id]);
  });

  test('destroys only sessions of its own account: another’s id counts as unknown', async () => {
    const { sessions, request } = setUp();
    const a = await sessions.create({ userId: 'ann' });
    const b = await sessions.create({ userId: 'ann' });
    const bob = await sessions.create({ userId: 'bob' });
    const ours = (await request(a.token)).sessions;
    expect(await ours.destroy(bob.id)).toBe(false);
    expect(await ours.destroy('01234567-89ab-7cde-8f01-23456789abcd')).toBe(false);
    expect(await ours.destroy('../x')).toBe(false);
    expect(await ours.destroy(b.id)).toBe(true);
    expect((await request(b.token)).session).toBeNull();
    expect((await request(bob.token)).session).not.toBeNull();
  });

  test('destroyOthers keeps the current session; destroyFor keeps none but the exception', async () => {
    const { sessions, request } = setUp();
    const made = await Promise.all(Array.from({ length: 4 }, () => sessions.create({ userId: 'ann' })));
    const bob = await sessions.create({ userId: 'bob' });
    const [first, second] = made;
    expect(await (await request(first?.token)).sessions.destroyOthers()).toBe(3);
    expect((await request(second?.token)).session).toBeNull();
    const again = await sessions.create({ userId: 'ann' });
    expect(await sessions.destroyFor('ann', { except: again.id })).toBe(1);
    expect(await sessions.destroyFor('ann')).toBe(1);
    expect(await sessions.destroyFor('nobody')).toBe(0);
    expect((await request(bob.token)).session).not.toBeNull();
  });

  test('anonymous requests and sessions without an owner reach at most themselves', async () => {
    const { sessions, request } = setUp({ ownerOf: () => undefined });
    const a = await sessions.create({ userId: 'ann' });
    const b = await sessions.create({ userId: 'ann' });
    const anonymous = (await request()).sessions;
    expect([await anonymous.list(), await anonymous.destroy(a.id), await anonymous.destroyOthers()]).toEqual([
      [],
      false,
      0,
    ]);
    const ours = (await request(a.token)).sessions;
    expect((await ours.list()).map((each) => each.id)).toEqual([a.id]);
    expect([await ours.destroy(b.id), await ours.destroyOthers(), await ours.destroy(a.id)]).toEqual([false, 0, true]);
  });

  test('account operations without ownerOf are NOT_SUPPORTED, and owners are non-empty texts', async () => {
    const { sessions } = setUp({ ownerOf: undefined });
    await expect(sessions.listFor('ann')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    await expect(sessions.destroyFor('ann')).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    await expect(setUp().sessions.destroyFor('')).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });

  test('a store never gets an exception that is not an id', async () => {
    const { store, sessions } = setUp();
    const deleteByOwner = vi.spyOn(store.steps, 'deleteByOwner');
    const { token } = await sessions.create({ userId: 'ann' });
    expect(await sessions.destroyFor('ann', { except: token })).toBe(1);
    expect(deleteByOwner.mock.calls).toEqual([['ann', undefined]]);
  });

  test('operations are NOT_SUPPORTED if the store lacks the capability', async () => {
    const sessions = createSessions<Data>({ store: bind(memoryStore()), ownerOf: (data) => data.userId });
    for (const run of [
      () => sessions.count(),
      () => sessions.sweep(),
      () => sessions.listFor('ann'),
      () => sessions.destroyFor('ann'),
    ]) {
      await expect(run()).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    }
  });

  test('a login over an unreadable stored session succeeds', async () => {
    const { store, sessions } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann' });
    const record = await store.find(id);
    if (record) await store.replace({ ...record, version: 'x', body: 'not JSON' }, record.version, 1e6);
    await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'INVALID_DATA' });
    const quiet = createSessions<Data>({ store, onInvalidData: 'anonymous' });
    const context = await quiet.fromToken(token);
    expect(context.session).toBeNull();
    expect((await context.sessions.create({ userId: 'ann' })).token).toMatch(/^ts_/);
  });

  test('an answer with a token is not cached, and each source that writes writes it', async () => {
    const { sessions } = setUp({ sources: [header('X-Auth-Token', { respond: true })] });
    const { sessions: ours } = await sessions.fromHeaders({});
    expect([...ours.responseHeaders]).toEqual([]);
    const session = await ours.create({ userId: 'ann' });
    expect([...ours.responseHeaders]).toEqual([
      ['cache-control', 'no-store'],
      ['x-auth-token', session.token],
    ]);
    const next = await sessions.fromHeaders({ 'x-auth-token': session.token });
    const token = await next.session?.rotate();
    expect(next.sessions.responseHeaders.get('x-auth-token')).toBe(token);
    await next.session?.destroy();
    expect(next.sessions.responseHeaders.get('x-auth-token')).toBe('');
  });
});

describe('limits of an account', () => {
  test('evict-oldest ends the oldest session, and reports it', async () => {
    const { sessions, request } = setUp({ maxPerOwner: { max: 2, onLimit: 'evict-oldest' } });
    const evicted: unknown[] = [];
    sessions.on('evicted', (event) => evicted.push(event));
    const made = [];
    for (let i = 0; i < 3; i += 1) made.push(await sessions.create({ userId: 'ann' }));
    expect(evicted).toEqual([{ id: made[0]?.id, ownerId: 'ann' }]);
    const alive = await Promise.all(made.map(async ({ token }) => (await request(token)).session !== null));
    expect(alive).toEqual([false, true, true]);
  });

  test('deny refuses the new one', async () => {
    const { sessions, request } = setUp({ maxPerOwner: { max: 1, onLimit: 'deny' } });
    const first = await sessions.create({ userId: 'ann' });
    await expect((await request()).sessions.create({ userId: 'ann' })).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
    });
    await sessions.create({ userId: 'bob' });
    await sessions.destroy(first.id);
    await sessions.create({ userId: 'ann' });
    expect(await sessions.count()).toBe(2);
  });
});

describe('events', () => {
  test('follow the commit, in order, with id and owner', async () => {
    const { sessions, request } = setUp();
    const seen: unknown[] = [];
    for (const name of ['created', 'destroyed', 'gone', 'conflict'] as const)
      sessions.on(name, (event) => seen.push([name, event]));
    const { id, token } = await sessions.create({ userId: 'ann' });
    await (await request(token)).sessions.create({ userId: 'ann' });
    await sessions.destroy(id);
    const second = seen[1];
    expect(seen[0]).toEqual(['created', { id, ownerId: 'ann' }]);
    expect(second).toEqual(['created', { id: expect.any(String), ownerId: 'ann' }]);
    expect(seen.slice(2)).toEqual([['destroyed', { id, ownerId: 'ann', reason: 'replaced' }]]);
    const { id: third } = await sessions.create({ userId: 'ann' });
    await sessions.destroy(third);
    expect(seen.at(-1)).toEqual(['destroyed', { id: third, ownerId: 'ann', reason: 'destroyed' }]);
  });

  test('a listener that throws, rejects or hangs affects nothing and is reported; off removes a listener', async () => {
    const errors: string[] = [];
    const { sessions } = setUp({ logger: { warn: () => {}, error: (message) => void errors.push(message) } });
    let heard = 0;
    sessions.on('created', () => {
      throw new Error('thrown');
    });
    sessions.on('created', () => Promise.reject(new Error('rejected')));
    sessions.on('created', () => new Promise(() => {}));
    const count = () => {
      heard += 1;
    };
    const off = sessions.on('created', count);
    sessions.on('created', count);
    await sessions.create({ userId: 'ann' });
    expect(heard).toBe(2);
    off();
    await sessions.create({ userId: 'ann' });
    expect(heard).toBe(3);
    expect(errors.filter((each) => each.includes('thrown'))).toHaveLength(2);
    expect(errors.filter((each) => each.includes('rejected'))).toHaveLength(2);
  });

  test('conflict reports that a write was merged', async () => {
    const { sessions, request, store } = setUp();
    const { token, id } = await sessions.create({ userId: 'ann' });
    const reasons: string[] = [];
    const other = createSessions<Data>({ store });
    other.on('conflict', (event) => reasons.push(event.reason));
    const { session } = await other.fromToken(token);
    await (await request(token)).session?.rotate();
    if (session) session.data.theme = 'dark';
    await session?.save();
    expect(reasons).toEqual(['merged']);
    expect((await sessions.find(id))?.data.theme).toBe('dark');
  });

  test('a store that rejects every write causes CONFLICT, not a loop', async () => {
    const { sessions, store } = setUp();
    const { token } = await sessions.create({ userId: 'ann' });
    const stubborn = { ...bind(store), replace: async () => 'conflict' as const };
    const contended = createSessions<Data>({ store: stubborn });
    const reasons: string[] = [];
    contended.on('conflict', (event) => reasons.push(event.reason));
    const { session } = await contended.fromToken(token);
    await expect(
      session?.update((data) => {
        data.theme = 'x';
      }),
    ).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(reasons.at(-1)).toBe('gave-up');
  });
});

function bind(store: ReturnType<typeof memoryStore>) {
  return {
    insert: store.insert.bind(store),
    find: store.find.bind(store),
    replace: store.replace.bind(store),
    delete: store.delete.bind(store),
  };
}
