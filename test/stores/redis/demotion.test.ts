import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RedisClient, redisStore } from '../../../src/stores/redis/index.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { changed, HOUR, record } from './records.js';

const CLIENTS: Readonly<Record<string, (server: RedisServer) => Promise<{ client: RedisClient; close(): unknown }>>> =
  {
    async 'node-redis'({ url }) {
      const client = createClient({ url }).on('error', () => undefined);
      await client.connect();
      return { client, close: () => client.destroy() };
    },
    async 'node-redis without its queue'({ url }) {
      const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 10 } }).on(
        'error',
        () => undefined,
      );
      await client.connect();
      return { client, close: () => client.destroy() };
    },
    async ioredis({ port }) {
      const client = new Redis(port, { retryStrategy: () => 10 }).on('error', () => undefined);
      return { client, close: () => client.disconnect() };
    },
  };

const demote = (server: RedisServer) => command(server, ['REPLICAOF', '127.0.0.1', '1']);
const promote = (server: RedisServer) => command(server, ['REPLICAOF', 'NO', 'ONE']);
const outage = expect.objectContaining({ name: 'SessionError', code: 'STORE_UNAVAILABLE' });

describeWithRedis.each(Object.entries(CLIENTS))('a primary that was demoted, through %s', (_name, open) => {
  let server: RedisServer;
  let opened: Awaited<ReturnType<(typeof CLIENTS)['x'] & object>>;
  beforeEach(async () => {
    server = await startRedis();
    opened = await open(server);
  });
  afterEach(async () => {
    opened.close();
    await server.stop();
  });

  test('invariant 6: after a refused write, reads are refused too, until the server takes writes', async () => {
    const store = redisStore(opened.client);
    const session = record({ ownerId: 'ada' });
    await store.insert(session, HOUR);
    await demote(server);
    const missing = record();
    const writes = [
      () => store.insert(record(), HOUR),
      () => store.replace(changed(session), session.version, HOUR),
      () => store.touch(changed(session), session.version, HOUR),
      () => store.delete(session.id),
      // The server does not have these sessions, and would answer in place of the new primary.
      () => store.replace(missing, missing.version, HOUR),
      () => store.delete(missing.id),
      () => store.deleteByOwner('ada'),
    ];
    for (const write of writes)
      await expect(write()).rejects.toEqual(expect.objectContaining({ name: expect.any(String) }));
    await expect(store.find(session.id)).rejects.toThrow();
    await expect(store.findMany([session.id])).rejects.toThrow();
    await expect(store.listByOwner('ada')).rejects.toThrow();
    await promote(server);
    await vi.waitFor(async () => expect(await store.find(session.id)).toEqual(session), 5_000);
    expect(await store.delete(session.id)).toBe(true);
  });

  test('the first refusal is an outage with the remedy', async () => {
    const store = redisStore(opened.client);
    const session = record();
    await store.insert(session, HOUR);
    await demote(server);
    await expect(store.touch(changed(session), session.version, HOUR)).rejects.toEqual(outage);
    await promote(server);
  });
});
