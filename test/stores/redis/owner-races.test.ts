import { expect, test } from 'vitest';
import { type RedisClient, redisStore } from '../../../src/stores/redis/index.js';
import { describeWithRedis } from '../../support/services/redis.js';
import { everyOrder } from './interleave.js';
import { changed, HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

describeWithRedis('the sessions of an owner, in every order of the commands', () => {
  let client: NodeRedis;
  const limit = { max: 2, onLimit: 'evict-oldest', now: Date.now() } as const;
  const denies = { max: 1, onLimit: 'deny', now: Date.now() } as const;
  withServer((one) => {
    client = one.client;
  });

  test('invariant 5: a login that races the end of all sessions is ended by it, or handed out after it', async () => {
    const outcomes = new Set<string>();
    const orders = await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = record({ ownerId: 'ada' });
      const login = record({ ownerId: 'ada' });
      await store.insert(before, HOUR);
      const { doneBefore } = await race<unknown>(
        (gated) => redisStore(gated).insert(login, HOUR),
        (gated) => redisStore(gated).deleteByOwner('ada'),
      );
      expect(await store.find(before.id)).toBeNull();
      const survived = (await store.find(login.id)) !== null;
      if (doneBefore(0, 1)) expect(survived).toBe(false);
      // Every session that was handed out is in the index.
      expect((await store.listByOwner('ada')).map(({ id }) => id)).toEqual(survived ? [login.id] : []);
      outcomes.add(`${survived}`);
      await store.deleteByOwner('ada');
    });
    expect(orders).toBeGreaterThanOrEqual(10);
    expect(outcomes).toEqual(new Set(['true', 'false']));
  });

  test('a limited login that races the end of all sessions is ended by it, or handed out after it', async () => {
    const orders = await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
      const login = record({ ownerId: 'ada' });
      for (const each of before) await store.insert(each, HOUR);
      const { doneBefore } = await race<unknown>(
        (gated) => redisStore(gated).insertWithin(login, HOUR, limit),
        (gated) => redisStore(gated).deleteByOwner('ada'),
      );
      for (const each of before) expect(await store.find(each.id)).toBeNull();
      const survived = (await store.find(login.id)) !== null;
      if (doneBefore(0, 1)) expect(survived).toBe(false);
      expect((await store.listByOwner('ada')).map(({ id }) => id)).toEqual(survived ? [login.id] : []);
      await store.deleteByOwner('ada');
    });
    expect(orders).toBeGreaterThan(10);
  });

  test('logins at the limit leave exactly as many sessions as it allows, and each end is reported once', async () => {
    const orders = await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = [record({ ownerId: 'ada', createdAt: 1 }), record({ ownerId: 'ada', createdAt: 2 })];
      const logins = [record({ ownerId: 'ada', createdAt: 3 }), record({ ownerId: 'ada', createdAt: 3 })];
      for (const each of before) await store.insert(each, HOUR);
      const racers = logins.map(
        (login) => (gated: RedisClient) => redisStore(gated).insertWithin(login, HOUR, { ...limit, now: 0 }),
      );
      const { results } = await race(...racers);
      const answers = results.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
      expect(answers.map((answer) => answer?.outcome)).toEqual(['inserted', 'inserted']);
      expect(answers.flatMap((answer) => answer?.evicted ?? []).sort()).toEqual(before.map(({ id }) => id).sort());
      expect((await store.listByOwner('ada')).map(({ id }) => id).sort()).toEqual(logins.map(({ id }) => id).sort());
      await store.deleteByOwner('ada');
    });
    expect(orders).toBeGreaterThan(10);
  });

  test('a limit that denies admits as many concurrent logins as there is room for', async () => {
    await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = record({ ownerId: 'ada' });
      await store.insert(before, HOUR);
      const logins = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
      const racers = logins.map(
        (login) => (gated: RedisClient) => redisStore(gated).insertWithin(login, HOUR, { ...limit, onLimit: 'deny' }),
      );
      const { results } = await race(...racers);
      const outcomes = results.map((result) => (result.status === 'fulfilled' ? result.value.outcome : undefined));
      expect(outcomes.toSorted()).toEqual(['inserted', 'limit-reached']);
      const admitted = logins.filter((_, i) => outcomes[i] === 'inserted');
      expect((await store.listByOwner('ada')).map(({ id }) => id).sort()).toEqual(
        [before, ...admitted].map(({ id }) => id).sort(),
      );
      expect(await store.count()).toBe(2);
      await store.deleteByOwner('ada');
    });
  });

  test('a login that races a logout at a limit that denies is admitted if the logout was answered before it began', async () => {
    const outcomes = new Set<string>();
    await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' })];
      for (const each of before) await store.insert(each, HOUR);
      const login = record({ ownerId: 'ada' });
      const { results, order } = await race<unknown>(
        (gated) => redisStore(gated).delete(before[0]?.id ?? ''),
        (gated) => redisStore(gated).insertWithin(login, HOUR, { ...limit, onLimit: 'deny' }),
      );
      const [, answer] = results;
      const outcome = answer?.status === 'fulfilled' ? JSON.stringify(answer.value) : '';
      if (order.lastIndexOf(0) < order.indexOf(1)) expect(outcome).toContain('inserted');
      expect(await store.count()).toBe(outcome.includes('inserted') ? 2 : 1);
      outcomes.add(outcome);
      await store.deleteByOwner('ada');
    });
    expect(outcomes.size).toBe(2);
  });

  test('invariant 2: a write that outlives the index writes nothing once all sessions have ended', async () => {
    const orders = await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const first = record({ ownerId: 'ada' });
      await store.insert(first, HOUR);
      const later = changed(first, { expiresAt: first.expiresAt + 10 * HOUR });
      const { results, doneBefore } = await race<unknown>(
        (gated) => redisStore(gated).replace(later, first.version, 10 * HOUR),
        (gated) => redisStore(gated).deleteByOwner('ada'),
      );
      expect(results).toContainEqual({ status: 'fulfilled', value: [first.id] });
      if (!doneBefore(0, 1)) expect(results).toContainEqual({ status: 'fulfilled', value: 'gone' });
      expect(await store.find(first.id)).toBeNull();
      expect(await store.listByOwner('ada')).toEqual([]);
    });
    expect(orders).toBeGreaterThan(10);
  });

  test('three logins, a list and the end of the others lose nothing from the index', async () => {
    await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const kept = record({ ownerId: 'ada' });
      await store.insert(kept, HOUR);
      const login = record({ ownerId: 'ada' });
      await race<unknown>(
        (gated) => redisStore(gated).insert(login, HOUR),
        (gated) => redisStore(gated).listByOwner('ada'),
        (gated) => redisStore(gated).deleteByOwner('ada', kept.id),
      );
      const listed = (await store.listByOwner('ada')).map(({ id }) => id);
      const expected = (await store.find(login.id)) ? [kept.id, login.id] : [kept.id];
      expect(listed.toSorted()).toEqual(expected.toSorted());
      await store.deleteByOwner('ada');
    });
  });

  type Store = ReturnType<typeof redisStore>;
  test.each<[string, (store: Store) => Promise<unknown>]>([
    ['a login that the limit may deny', (store) => store.insertWithin(record({ ownerId: 'ada' }), HOUR, denies)],
    ['a login that evicts', (store) => store.insertWithin(record({ ownerId: 'ada' }), HOUR, { ...limit, max: 1 })],
    ['a list', (store) => store.listByOwner('ada')],
    ['the end of all sessions', (store) => store.deleteByOwner('ada')],
  ])('rule 27: a session that gets its owner beside %s is in the index, if it is alive', async (_name, other) => {
    await everyOrder(client, async (race) => {
      const store = redisStore(client);
      const before = record();
      await store.insert(before, HOUR);
      await race<unknown>(
        (gated) => redisStore(gated).replace(changed(before, { ownerId: 'ada' }), before.version, HOUR),
        (gated) => other(redisStore(gated)),
      );
      // Work in the background may still note what it has found.
      await store.listByOwner('ada');
      const isAlive = (await store.find(before.id)) !== null;
      const listed = (await store.listByOwner('ada')).some(({ id }) => id === before.id);
      expect(listed).toBe(isAlive);
      await store.deleteByOwner('ada');
    });
  });
});
