import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { describeWithRedis } from '../../support/services/redis.js';
import { ALL_CLIENTS, type OpenClient, type Services } from './clients.js';
import { changed, HOUR, record } from './records.js';
import { withServices } from './suite.js';

describeWithRedis('every client', () => {
  let services: Services;
  withServices((started) => {
    services = started;
  });

  describe.each(Object.entries(ALL_CLIENTS))('%s', (_name, open) => {
    let opened: OpenClient;
    let store: RedisStore;
    beforeEach(async () => {
      opened = await open(services);
      store = redisStore(opened.client);
      await store.clear();
    });
    afterEach(() => opened.close());

    test('runs insert, find, replace and delete', async () => {
      const first = record({ ownerId: 'zoë\n"{}' });
      expect(await store.insert(first, HOUR)).toBe('inserted');
      expect(await store.insert(first, HOUR)).toBe('inserted');
      expect(await store.insert(changed(first), HOUR)).toBe('exists');
      expect(await store.find(first.id)).toEqual(first);
      const second = changed(first, { body: '{"d":"\\u0000"}', expiresAt: first.expiresAt + 1 });
      expect(await store.replace(second, first.version, HOUR)).toBe('replaced');
      expect(await store.replace(changed(first), first.version, HOUR)).toBe('conflict');
      expect(await store.find(first.id)).toEqual(second);
      const third = changed(second, { expiresAt: second.expiresAt + HOUR });
      expect(await store.touch(third, second.version, HOUR)).toBe('replaced');
      expect(await store.touch(third, second.version, HOUR)).toBe('conflict');
      expect(await store.find(first.id)).toEqual(third);
      expect(await store.delete(first.id)).toBe(true);
      expect(await store.delete(first.id)).toBe(false);
      expect(await store.find(first.id)).toBeNull();
      expect(await store.replace(changed(second), second.version, HOUR)).toBe('gone');
      expect(await store.find(first.id)).toBeNull();
    });

    test('lists and ends the sessions of an owner', async () => {
      const records = Array.from({ length: 5 }, () => record({ ownerId: 'zoë' }));
      const other = record({ ownerId: 'adam' });
      const ownerless = record();
      for (const each of [...records, other, ownerless]) await store.insert(each, HOUR);
      expect((await store.listByOwner('zoë')).sort(byId)).toEqual(records.sort(byId));
      expect(await store.listByOwner('nobody')).toEqual([]);
      expect(await store.findMany([other.id, record().id, ownerless.id])).toEqual([other, null, ownerless]);
      const [kept] = records;
      expect((await store.deleteByOwner('zoë', kept?.id)).sort()).toEqual(records.slice(1).map(({ id }) => id));
      expect(await store.listByOwner('zoë')).toEqual([kept]);
      expect(await store.count()).toBe(3);
      await store.clear();
      expect(await store.count()).toBe(0);
      expect(await store.listByOwner('zoë')).toEqual([]);
    });

    test('keeps the limit of an owner', async () => {
      const limit = { max: 2, onLimit: 'evict-oldest', now: Date.now() } as const;
      const [first, second, third] = [
        record({ ownerId: 'zoë' }),
        record({ ownerId: 'zoë' }),
        record({ ownerId: 'zoë' }),
      ];
      expect(await store.insertWithin(first, HOUR, limit)).toEqual({ outcome: 'inserted', evicted: [] });
      expect(await store.insertWithin(second, HOUR, limit)).toEqual({ outcome: 'inserted', evicted: [] });
      expect(await store.insertWithin(third, HOUR, { ...limit, onLimit: 'deny' })).toEqual({
        outcome: 'limit-reached',
        evicted: [],
      });
      expect(await store.find(third.id)).toBeNull();
      expect(await store.insertWithin(third, HOUR, limit)).toEqual({ outcome: 'inserted', evicted: [first.id] });
      expect((await store.listByOwner('zoë')).sort(byId)).toEqual([second, third].sort(byId));
      expect(await store.trimOwner('zoë', { max: 1, now: Date.now(), keep: second.id })).toEqual([third.id]);
    });

    test('reports ended sessions', async () => {
      const ended: string[] = [];
      const stop = await store.subscribe?.({ ended: (ids) => void ended.push(...ids), gap: () => undefined });
      const session = record();
      await store.insert(session, HOUR);
      await store.delete(session.id);
      await expect.poll(() => ended).toContain(session.id);
      await stop?.();
    });
  });
});

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}
