import { afterAll, beforeAll, beforeEach } from 'vitest';
import { type RedisServer, startRedis, startRedisCluster, startSentinel } from '../../support/services/redis.js';
import { openNodeRedis, type Services } from './clients.js';

export type NodeRedis = Awaited<ReturnType<typeof openNodeRedis>>;

export interface OneServer {
  readonly server: RedisServer;
  readonly client: NodeRedis;
}

/** A server for the suite, with a client. The server is emptied before each test. */
export function withServer(take: (one: OneServer) => void, settings: Readonly<Record<string, string>> = {}): void {
  let one: OneServer;
  beforeAll(async () => {
    const server = await startRedis(settings);
    one = { server, client: await openNodeRedis(server.url) };
    take(one);
  });
  beforeEach(async () => void (await one.client.flushDb()));
  afterAll(async () => {
    one.client.destroy();
    await one.server.stop();
  });
}

/** A single server, a Cluster and a Sentinel for the suite. */
export function withServices(take: (services: Services) => void): void {
  let services: Services;
  beforeAll(async () => {
    const [single, cluster, sentinel] = await Promise.all([startRedis(), startRedisCluster(), startSentinel()]);
    services = { single, cluster, sentinel };
    take(services);
  }, 60_000);
  afterAll(() => Promise.all([services.single.stop(), services.cluster.stop(), services.sentinel.stop()]));
}
