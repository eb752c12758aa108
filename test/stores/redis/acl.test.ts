import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ROOT } from '../../../scripts/packed.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { openNodeRedis } from './clients.js';
import { changed, HOUR, record } from './records.js';

/** The rules for a user of the store, from the page about Redis. */
const documented =
  /ACL SETUSER sessions on >secret (.*)/
    .exec(readFileSync(join(ROOT, 'docs/stores/redis.md'), 'utf8'))?.[1]
    ?.split(' ') ?? [];

describeWithRedis('a user that may do what the store needs', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  async function open(name: string, rules: readonly string[]) {
    await command(server, ['ACL', 'SETUSER', name, 'reset', 'on', '>secret', ...rules]);
    return openNodeRedis(`redis://${name}:secret@127.0.0.1:${server.port}`);
  }

  test('every verb works with the documented rules, and with those that 0.1.0 needed', async () => {
    expect(documented.length).toBeGreaterThan(20);
    const older = documented.filter((rule) => rule !== '+setrange' && rule !== '+quit');
    for (const [index, rules] of [documented, older].entries()) {
      const client = await open(`user${index}`, rules);
      const store = redisStore(client);
      const ended: string[] = [];
      const stop = await store.subscribe?.({ ended: (ids) => void ended.push(...ids), gap: () => undefined });
      const [first, second, third] = [record({ ownerId: 'ada' }), record({ ownerId: 'ada' }), record()];
      for (const each of [first, second, third]) expect(await store.insert(each, HOUR)).toBe('inserted');
      const touched = changed(first, { expiresAt: first.expiresAt + 1 });
      expect(await store.touch(touched, first.version, HOUR)).toBe('replaced');
      expect(await store.find(first.id)).toEqual(touched);
      const owned = changed(third, { ownerId: 'ada' });
      expect(await store.replace(owned, third.version, HOUR)).toBe('replaced');
      expect(await store.findMany([first.id, record().id])).toEqual([touched, null]);
      expect(await store.listByOwner('ada')).toHaveLength(3);
      const limit = { max: 3, onLimit: 'deny', now: Date.now() } as const;
      expect((await store.insertWithin(record({ ownerId: 'ada' }), HOUR, limit)).outcome).toBe('limit-reached');
      const login = record({ ownerId: 'ada' });
      expect((await store.insertWithin(login, HOUR, { ...limit, onLimit: 'evict-oldest' })).evicted).toHaveLength(1);
      expect(await store.trimOwner('ada', { max: 2, now: Date.now(), keep: login.id })).toHaveLength(1);
      expect(await store.count()).toBe(2);
      expect(await store.delete(login.id)).toBe(true);
      expect(await store.deleteByOwner('ada')).toHaveLength(1);
      await store.insert(record(), HOUR);
      await store.clear();
      expect(await store.count()).toBe(0);
      await vi.waitFor(() => expect(ended).toHaveLength(5));
      await stop?.();
      client.destroy();
    }
  });

  test('a missing rule is an error that names it', async () => {
    const client = await open(
      'restricted',
      documented.filter((rule) => rule !== '+set'),
    );
    await expect(redisStore(client).insert(record(), HOUR)).rejects.toThrow(/NOPERM.*set/);
    client.destroy();
  });
});
