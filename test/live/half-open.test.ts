import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSessions } from '../../src/index.js';
import { type RedisClient, redisStore } from '../../src/stores/redis/index.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { type MuteProxy, startMuteProxy } from './support/mute-proxy.js';

const CLIENTS: readonly (readonly [string, (port: number) => Promise<{ readonly client: RedisClient; readonly end: () => void }>])[] = [
  [
    'node-redis',
    async (port) => {
      const client = await createClient({ url: `redis://127.0.0.1:${port}` })
        .on('error', () => undefined)
        .connect();
      return { client, end: () => client.destroy() };
    },
  ],
  [
    'ioredis',
    async (port) => {
      const client = new Redis(port, '127.0.0.1').on('error', () => undefined);
      return { client, end: () => client.disconnect() };
    },
  ],
];

describeWithRedis('a connection for notifications that has died without a word', () => {
  let server: RedisServer;
  let proxy: MuteProxy;
  beforeEach(async () => {
    server = await startRedis();
    proxy = await startMuteProxy(server.port);
  });
  afterEach(async () => {
    proxy.stop();
    await server.stop();
  });

  test.each(CLIENTS)('does not hold up close for ever: %s', async (_name, connect) => {
    const { client, end } = await connect(proxy.port);
    const store = redisStore(client);
    const subscribe = vi.spyOn(store, 'subscribe');
    const sessions = createSessions({ store });
    const session = await sessions.create({});
    expect(session.signal.aborted).toBe(false);
    await vi.waitFor(() => expect(subscribe.mock.settledResults[0]?.type).toBe('fulfilled'), { timeout: 5_000 });
    proxy.muted = true;
    // Five seconds are given to the server.
    await sessions.close();
    proxy.muted = false;
    end();
  });
});
