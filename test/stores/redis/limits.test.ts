import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isSessionError } from '../../../src/core/error.js';
import type { OwnerLimit } from '../../../src/core/store.js';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer } from '../../support/services/redis.js';
import { openNodeRedis } from './clients.js';
import { hooked } from './interleave.js';
import { HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

describeWithRedis('the limit of an owner', () => {
  let server: RedisServer;
  let client: NodeRedis;
  let store: RedisStore;
  withServer((one) => {
    ({ server, client } = one);
    store = redisStore(client);
  });

  const within = (changes: Partial<OwnerLimit> = {}): OwnerLimit => ({
    max: 3,
    onLimit: 'evict-oldest',
    now: Date.now(),
    ...changes,
  });
  const owned = (changes: Partial<ReturnType<typeof record>> = {}) => record({ ownerId: 'ada', ...changes });
  const idsOf = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id).sort();

  describe('64 logins at once over four clients, at a limit of 3', () => {
    let clients: { node: NodeRedis[]; io: Redis[] };
    let stores: RedisStore[];
    beforeEach(async () => {
      clients = {
        node: [await openNodeRedis(server.url), await openNodeRedis(server.url)],
        io: [new Redis(server.port), new Redis(server.port)],
      };
      stores = [...clients.node, ...clients.io].map((each) => redisStore(each));
    });
    afterEach(() => {
      for (const each of clients.node) each.destroy();
      for (const each of clients.io) each.disconnect();
    });
    const logins = (onLimit: OwnerLimit['onLimit']) =>
      Promise.all(
        Array.from({ length: 64 }, async (_, i) => {
          const session = owned();
          const answer = await stores[i % 4]?.insertWithin(session, HOUR, within({ onLimit }));
          return { session, ...answer };
        }),
      );

    test("'evict-oldest' leaves exactly 3 sessions, and reports each evicted one once", async () => {
      for (let round = 0; round < 10; round += 1) {
        const answers = await logins('evict-oldest');
        expect(answers.every(({ outcome }) => outcome === 'inserted')).toBe(true);
        const evicted = answers.flatMap((answer) => answer.evicted ?? []);
        const left = await store.listByOwner('ada');
        expect(left).toHaveLength(3);
        expect([...evicted, ...idsOf(left)].sort()).toEqual(idsOf(answers.map(({ session }) => session)));
        expect(await store.count()).toBe(3);
        await store.deleteByOwner('ada');
      }
    });

    test("'deny' admits exactly 3", async () => {
      for (let round = 0; round < 10; round += 1) {
        const answers = await logins('deny');
        const admitted = answers.filter(({ outcome }) => outcome === 'inserted').map(({ session }) => session);
        expect(admitted).toHaveLength(3);
        expect(answers.filter(({ outcome }) => outcome === 'limit-reached')).toHaveLength(61);
        expect(idsOf(await store.listByOwner('ada'))).toEqual(idsOf(admitted));
        expect(await store.count()).toBe(3);
        await store.deleteByOwner('ada');
      }
    });
  });

  test('the oldest sessions are evicted: by creation, and at the same time by id', async () => {
    const [old, middle, first, second] = [
      owned({ createdAt: 9 }),
      owned({ createdAt: 10 }),
      owned({ createdAt: 100 }),
      owned({ createdAt: 100 }),
    ];
    for (const each of [second, first, middle, old])
      await store.insert({ ...each, expiresAt: Date.now() + HOUR }, HOUR);
    const evicted: string[] = [];
    for (const max of [4, 4, 4, 4])
      evicted.push(...(await store.insertWithin(owned(), HOUR, within({ max }))).evicted);
    expect(evicted).toEqual([old.id, middle.id, first.id, second.id]);
  });

  test('the new session is never evicted, even if it is the oldest', async () => {
    const others = [owned(), owned()];
    for (const each of others) await store.insert(each, HOUR);
    const old = owned({ createdAt: 1, expiresAt: Date.now() + HOUR });
    expect((await store.insertWithin(old, HOUR, within({ max: 1 }))).evicted.toSorted()).toEqual(idsOf(others));
    expect(await store.listByOwner('ada')).toEqual([old]);
  });

  describe.each(['evict-oldest', 'deny'] as const)('%s', (onLimit) => {
    test('counts only sessions whose deadline is later', async () => {
      const now = Date.now();
      const passed = owned({ createdAt: now - HOUR, expiresAt: now });
      const alive = [owned({ createdAt: now - 10 }), owned()];
      for (const each of [passed, ...alive]) await store.insert(each, HOUR);
      expect(await store.insertWithin(owned(), HOUR, within({ onLimit, now }))).toEqual({
        outcome: 'inserted',
        evicted: [],
      });
    });

    test('counts sessions whose deadline was moved by use', async () => {
      const now = Date.now();
      const used = [owned({ expiresAt: now + 10 }), owned({ expiresAt: now + 10 }), owned({ expiresAt: now + 10 })];
      for (const each of used) await store.insert(each, HOUR);
      for (const each of used)
        await store.replace({ ...each, version: 'next', expiresAt: now + HOUR }, each.version, HOUR);
      const answer = await store.insertWithin(
        owned({ createdAt: now + 20 }),
        HOUR,
        within({ onLimit, now: now + 20 }),
      );
      expect(answer.outcome).toBe(onLimit === 'deny' ? 'limit-reached' : 'inserted');
      expect(answer.evicted).toHaveLength(onLimit === 'deny' ? 0 : 1);
    });

    test('counts a session with an unreadable value, and ignores other owners', async () => {
      const [damaged, other] = [owned(), record({ ownerId: 'eve' })];
      for (const each of [damaged, other]) await store.insert(each, HOUR);
      await client.set(`ts:s:${damaged.id}`, 'damaged', { PX: HOUR });
      const answer = await store.insertWithin(owned(), HOUR, within({ onLimit, max: 1 }));
      expect(answer).toEqual(
        onLimit === 'deny'
          ? { outcome: 'limit-reached', evicted: [] }
          : { outcome: 'inserted', evicted: [damaged.id] },
      );
      expect(await store.find(other.id)).toEqual(other);
    });

    test('answers the repeated login as before', async () => {
      const sessions = [owned(), owned(), owned()];
      for (const each of sessions) await store.insertWithin(each, HOUR, within({ onLimit }));
      for (const each of sessions) {
        expect(await store.insertWithin(each, HOUR, within({ onLimit }))).toEqual({
          outcome: 'inserted',
          evicted: [],
        });
        expect(await store.insertWithin({ ...each, version: 'other' }, HOUR, within({ onLimit }))).toEqual({
          outcome: 'exists',
          evicted: [],
        });
      }
      expect(idsOf(await store.listByOwner('ada'))).toEqual(idsOf(sessions));
    });
  });

  test('a session without an owner has no limit', async () => {
    for (let i = 0; i < 3; i += 1) {
      expect(await store.insertWithin(record(), HOUR, within({ max: 1 }))).toEqual({
        outcome: 'inserted',
        evicted: [],
      });
    }
  });

  describe.each(['sent', 'not sent'])('a process that dies at one of its commands, which was %s', (sent) => {
    /**
     * A store whose process dies after this many commands. The first one asks for the server's
     * version.
     */
    const dying = (last: number) => {
      let commands = 0;
      const die = () => {
        commands += 1;
        if (commands > last) throw new Error('the process is dead');
      };
      return redisStore(
        sent === 'sent' ? hooked(client, () => (commands > last ? die() : undefined), die) : hooked(client, die),
      );
    };

    test('during a login at a limit: the number of usable sessions never exceeds the limit', async () => {
      for (let last = 0; last <= 3; last += 1) {
        const handedOut = [owned(), owned()];
        for (const each of handedOut) await store.insertWithin(each, HOUR, within({ max: 2 }));
        await expect(dying(last).insertWithin(owned(), HOUR, within({ max: 2 }))).rejects.toSatisfy(isUnavailable);
        const next = owned();
        expect((await store.insertWithin(next, HOUR, within({ max: 2 }))).outcome).toBe('inserted');
        expect(await store.find(next.id)).toEqual(next);
        const usable = (await store.findMany(idsOf([...handedOut, next]))).filter((each) => each !== null);
        expect(usable.length).toBeLessThanOrEqual(2);
        await store.deleteByOwner('ada');
        expect(await store.findMany(idsOf([...handedOut, next]))).toEqual([null, null, null]);
        await client.flushDb();
      }
    });

    test('during a login: the login fails as an outage', async () => {
      for (let last = 0; last <= 2; last += 1) {
        await expect(dying(last).insert(owned(), HOUR)).rejects.toSatisfy(isUnavailable);
      }
    });

    test('during a logout: an ended session does not count', async () => {
      for (let last = 0; last <= 2; last += 1) {
        const [left, ended] = [owned(), owned()];
        for (const each of [left, ended]) await store.insert(each, HOUR);
        await dying(last)
          .delete(ended.id)
          .catch(() => undefined);
        const gone = (await store.find(ended.id)) === null;
        const answer = await store.insertWithin(owned(), HOUR, within({ max: 2, onLimit: 'deny' }));
        expect(answer.outcome).toBe(gone ? 'inserted' : 'limit-reached');
        expect(await command(server, ['DBSIZE'])).toBe(3);
        await client.flushDb();
      }
    });
  });
});

function isUnavailable(error: unknown): boolean {
  return isSessionError(error) && error.code === 'STORE_UNAVAILABLE';
}
