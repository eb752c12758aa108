import { afterEach, describe, expect, test } from 'vitest';
import { redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer } from '../../support/services/redis.js';
import { changed, HOUR, record } from './records.js';
import { type NodeRedis, withServer } from './suite.js';

describeWithRedis('a server that may evict keys', () => {
  let server: RedisServer;
  let client: NodeRedis;
  withServer(
    (one) => {
      ({ server, client } = one);
    },
    { maxmemory: '50mb' },
  );
  afterEach(() => command(server, ['CONFIG', 'SET', 'maxmemory', '50mb', 'maxmemory-policy', 'noeviction']));

  async function warned(policy: string, maxmemory = '50mb'): Promise<string[]> {
    await command(server, ['CONFIG', 'SET', 'maxmemory', maxmemory, 'maxmemory-policy', policy]);
    const store = redisStore(client);
    const lines: string[] = [];
    store.onWarning((line) => lines.push(line));
    for (let i = 0; i < 3; i += 1) await store.insert(record({ ownerId: 'ada' }), HOUR);
    // A later listener receives it as well.
    store.onWarning((line) => lines.push(line));
    return lines;
  }

  test.each(['volatile-lru', 'allkeys-lfu', 'volatile-ttl', 'allkeys-random'])(
    '%s is reported once to each listener',
    async (policy) => {
      const lines = await warned(policy);
      expect(lines).toEqual([lines[0], lines[0]]);
      expect(lines[0]).toContain(`maxmemory-policy is ${policy}`);
      expect(lines[0]).toContain('noeviction');
    },
  );

  test('noeviction causes no warning, nor does any policy without a memory limit', async () => {
    expect(await warned('noeviction')).toEqual([]);
    expect(await warned('volatile-lru', '0')).toEqual([]);
  });

  describe('an index that was evicted', () => {
    const evictIndex = async () => client.del(await client.keys('ts:o:*'));

    test.each(['replace', 'touch'] as const)('contains the session again after its next %s', async (verb) => {
      await command(server, ['CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru']);
      const store = redisStore(client);
      const first = record({ ownerId: 'ada' });
      await store.insert(first, HOUR);
      await evictIndex();
      const next = changed(first);
      expect(await store[verb](next, first.version, HOUR)).toBe('replaced');
      expect(await store.listByOwner('ada')).toEqual([next]);
      expect(await store.deleteByOwner('ada')).toEqual([first.id]);
    });

    test('is written with each write, so that it is not older than its sessions', async () => {
      await command(server, ['CONFIG', 'SET', 'maxmemory-policy', 'volatile-lru']);
      const store = redisStore(client);
      const first = record({ ownerId: 'ada' });
      await store.insert(first, HOUR);
      await store.touch(changed(first, { version: 'second' }), first.version, HOUR);
      const [index = ''] = await client.keys('ts:o:*');
      const idle = Number(await client.sendCommand(['OBJECT', 'IDLETIME', index]));
      expect(idle).toBeLessThanOrEqual(Number(await client.sendCommand(['OBJECT', 'IDLETIME', `ts:s:${first.id}`])));
      // A session without an owner has no index.
      const ownerless = record();
      await store.insert(ownerless, HOUR);
      expect(await store.touch(changed(ownerless), ownerless.version, HOUR)).toBe('replaced');
      expect(await client.keys('ts:o:*')).toEqual([index]);
    });
  });
});
