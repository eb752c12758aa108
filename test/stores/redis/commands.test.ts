import { beforeEach, describe, expect, test } from 'vitest';
import type { OwnerLimit, SessionRecord } from '../../../src/core/store.js';
import { createSessions } from '../../../src/index.js';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { command, commandStats, describeWithRedis, dump, type RedisServer } from '../../support/services/redis.js';
import { changed, HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

describeWithRedis('what the server is asked', () => {
  let server: RedisServer;
  let client: NodeRedis;
  let store: RedisStore;
  withServer((one) => {
    ({ server, client } = one);
  });
  beforeEach(async () => {
    store = redisStore(client);
    // The version is asked for once, and each script is sent whole once.
    const warm = [record({ ownerId: 'eve' }), record({ ownerId: 'eve' })];
    for (const each of warm) await store.insertWithin(each, HOUR, { max: 1, onLimit: 'evict-oldest', now: 0 });
    const session = record({ ownerId: 'eve' });
    await store.insert(session, HOUR);
    await store.insertWithin(record({ ownerId: 'eve' }), HOUR, { max: 1, onLimit: 'deny', now: 0 });
    await store.touch(changed(session), session.version, HOUR);
    await store.deleteByOwner('eve');
    const ownerless = record();
    await store.insert(ownerless, HOUR);
    await store.replace(changed(ownerless), ownerless.version, HOUR);
    await command(server, ['CONFIG', 'RESETSTAT']);
  });

  /** The commands that clients sent, without those of scripts and of this test itself. */
  const sent = async (): Promise<Record<string, number>> => {
    const stats = await commandStats(server);
    const ofScripts = [
      'getrange',
      'setrange',
      'del',
      'publish',
      'zadd',
      'zrem',
      'zrange',
      'zcount',
      'zscore',
      'pttl',
      'pexpire',
    ];
    const own = ['info', 'config|resetstat', 'client|setinfo', 'hello'];
    const counted = Object.entries(stats).filter(([name]) => !ofScripts.includes(name) && !own.includes(name));
    await command(server, ['CONFIG', 'RESETSTAT']);
    return Object.fromEntries(counted);
  };

  describe('the verbs', () => {
    const limit: OwnerLimit = { max: 3, onLimit: 'evict-oldest', now: Date.now() };
    const owned = () => record({ ownerId: 'ada' });
    let three: SessionRecord[];
    beforeEach(async () => {
      three = [owned(), owned(), owned()];
      for (const each of three) await store.insert(each, HOUR);
      await sent();
    });

    test('each send one command for a session without an owner, and its script runs one', async () => {
      const session = record();
      await store.insert(session, HOUR);
      expect(await sent()).toEqual({ set: 1 });
      await store.find(session.id);
      expect(await sent()).toEqual({ get: 1 });
      await store.replace(changed(session), session.version, HOUR);
      expect(await sent()).toEqual({ evalsha: 1, set: 1 });
      await store.delete(session.id);
      expect(await sent()).toEqual({ evalsha: 1, get: 1 });
    });

    test('invariant 8: insert a session with an owner with at most three commands', async () => {
      const session = owned();
      await store.insert(session, HOUR);
      expect(await sent()).toEqual({ set: 1, evalsha: 1 });
      await store.replace(changed(session), session.version, HOUR);
      expect(await sent()).toEqual({ evalsha: 1, set: 1 });
      await store.delete(session.id);
      expect(await sent()).toEqual({ evalsha: 2, get: 1 });
      await store.insertWithin(owned(), HOUR, { ...limit, max: 4 });
      expect(await sent()).toEqual({ set: 1, evalsha: 1 });
    });

    test('send three commands if a session is evicted, and another that nothing waits for', async () => {
      await store.insertWithin(owned(), HOUR, limit);
      await expect.poll(async () => (await commandStats(server))['evalsha']).toBe(3);
      expect(await sent()).toEqual({ set: 1, evalsha: 3, get: 1 });
    });

    test('rule 28: a touch writes the head of the record in place, whatever the size of its body', async () => {
      const session = record({ body: `"${'x'.repeat(60_000)}"`, ownerId: 'ada' });
      await store.insert(session, HOUR);
      await sent();
      let current = session;
      for (let i = 0; i < 10; i += 1) {
        const next = changed(current, { expiresAt: current.expiresAt + 1_000 });
        expect(await store.touch(next, current.version, HOUR)).toBe('replaced');
        current = next;
      }
      // There is no SET: the body is neither sent nor copied.
      expect(await sent()).toEqual({ evalsha: 10 });
      expect(await store.find(session.id)).toEqual(current);
    });

    test('look at all sessions before they deny a login', async () => {
      await store.insertWithin(owned(), HOUR, { ...limit, onLimit: 'deny' });
      expect(await sent()).toEqual({ set: 1, evalsha: 2, mget: 1 });
    });

    test('for the sessions of an owner send one command a session', async () => {
      await store.listByOwner('ada');
      // The script sends another one for the members of the index.
      expect(await sent()).toEqual({ mget: 1 });
      await store.deleteByOwner('ada', three[0]?.id);
      // One is for the index before and after, and one for each session, which the script reads.
      expect(await sent()).toEqual({ evalsha: 4, get: 2 });
      expect(await store.findMany(three.map(({ id }) => id))).toHaveLength(3);
      expect(await sent()).toEqual({ mget: 1, exists: 1 });
      await store.findMany([three[0]?.id ?? '', three[0]?.id ?? '']);
      expect(await sent()).toEqual({ mget: 1 });
      await store.findMany([]);
      expect(await sent()).toEqual({});
    });
  });

  test('invariant 8: an authenticated read sends one GET', async () => {
    const sessions = createSessions<{ userId: string }>({ store, ownerOf: (data) => data.userId });
    const { sessions: request } = await sessions.fromToken(null);
    const { token } = await request.create({ userId: 'ada' });
    await sent();
    for (let i = 0; i < 10; i += 1) expect((await sessions.fromToken(token)).session?.data.userId).toBe('ada');
    expect(await sent()).toEqual({ get: 10 });
    await sessions.close();
  });

  test('invariant 4: the server never receives or holds a token or its secret', async () => {
    const seen: string[] = [];
    const monitor = client.duplicate();
    await monitor.connect();
    await monitor.monitor((line) => seen.push(String(line)));
    const sessions = createSessions<{ userId: string; n: number }>({
      store,
      ownerOf: (data) => data.userId,
      maxPerOwner: { max: 2, onLimit: 'evict-oldest' },
    });
    const tokens: string[] = [];
    const dumps: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const { sessions: request } = await sessions.fromToken(null);
      const session = await request.create({ userId: 'ada', n: 0 });
      await session.update((data) => {
        data.n += 1;
      });
      const rotated = await session.rotate();
      tokens.push(session.token, rotated);
      dumps.push(await dump(server));
      await sessions.fromToken(rotated);
      await sessions.fromToken(`${rotated.slice(0, -3)}AAA`);
      tokens.push(await session.rotate({ immediate: true, reauthenticated: true }));
      dumps.push(await dump(server));
    }
    await sessions.listFor('ada');
    await sessions.destroyFor('ada');
    dumps.push(await dump(server));
    await expect.poll(() => seen.length).toBeGreaterThan(50);
    monitor.destroy();
    await sessions.close();
    const everything = [...seen, ...dumps].join('\n');
    expect(everything).toContain('ts:s:');
    for (const token of tokens) {
      const secret = token.slice(token.indexOf('.') + 1);
      expect(secret).toHaveLength(43);
      expect(everything).not.toContain(secret);
    }
  });
});
