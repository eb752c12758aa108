import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSessions } from '../../src/index.js';
import { type RedisClient, redisStore } from '../../src/stores/redis/index.js';
import { describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { type MuteProxy, startMuteProxy } from './support/mute-proxy.js';

const CLIENTS: readonly (readonly [
  string,
  (port: number) => Promise<{ readonly client: RedisClient; readonly end: () => void }>,
])[] = [
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

  async function closeWhileMuted(store: ReturnType<typeof redisStore>): Promise<void> {
    const subscribe = vi.spyOn(store, 'subscribe');
    const sessions = createSessions({ store, storeTimeout: 300 });
    const session = await sessions.create({});
    expect(session.signal.aborted).toBe(false);
    await vi.waitFor(() => expect(subscribe.mock.settledResults[0]?.type).toBe('fulfilled'), { timeout: 5_000 });
    proxy.muted = true;
    const started = performance.now();
    await sessions.close();
    // The store itself gives the server five seconds, but a client of the caller would wait for
    // ever.
    expect(performance.now() - started).toBeLessThan(2_500);
    proxy.muted = false;
  }

  test.each(CLIENTS)('does not block close for ever: %s', async (_name, connect) => {
    const { client, end } = await connect(proxy.port);
    await closeWhileMuted(redisStore(client)).finally(end);
  });

  test.each(CLIENTS)('does not block close for ever if the caller made it: %s', async (_name, connect) => {
    const { client, end } = await connect(server.port);
    const { client: subscriber, end: endSubscriber } = await connect(proxy.port);
    await closeWhileMuted(redisStore(client, { subscriber })).finally(() => {
      endSubscriber();
      end();
    });
  });
});
