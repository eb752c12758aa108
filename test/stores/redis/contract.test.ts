import { afterAll, beforeAll, describe, it } from 'vitest';
import { redisStore } from '../../../src/stores/redis/index.js';
import { type StoreCapabilities, storeContract } from '../../../src/testing/index.js';
import { NATIVE } from '../../runtimes/suite/capabilities.js';
import {
  command,
  describeWithRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../../support/services/redis.js';
import { ALL_CLIENTS, type ClientName, type OpenClient, type Services } from './clients.js';

const capabilities: StoreCapabilities = { ...NATIVE, expires: 'own clock', subscribe: true, damages: true };

const runner = { describe, it: (name: string, run: () => Promise<void>) => it(name, run, 120_000) };

const CLIENTS = [
  'node-redis',
  'ioredis',
  'iovalkey',
  'node-redis cluster',
  'ioredis Cluster',
] as const satisfies readonly ClientName[];

describeWithRedis('the store contract on a real server', () => {
  let single: RedisServer;
  let cluster: Services['cluster'];
  /** Two connections of each kind for all tests, as in two processes. */
  const opened = new Map<ClientName, readonly [OpenClient, OpenClient]>();

  beforeAll(async () => {
    [single, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
  }, 60_000);
  afterAll(async () => {
    for (const pair of opened.values()) for (const each of pair) each.close();
    await Promise.all([single.stop(), cluster.stop()]);
  });

  const clientsOf = async (name: ClientName): Promise<readonly [OpenClient, OpenClient]> => {
    const services: Services = { single, cluster, sentinel: { ...cluster, name: '' } };
    const pair = opened.get(name) ?? ([await ALL_CLIENTS[name](services), await ALL_CLIENTS[name](services)] as const);
    opened.set(name, pair);
    return pair;
  };

  for (const name of CLIENTS) {
    storeContract({
      runner,
      name,
      capabilities,
      depth: 'pairs',
      async createStore() {
        const [first, second] = await clientsOf(name);
        for (const server of /cluster/i.test(name) ? cluster.nodes : [single]) await command(server, ['FLUSHALL']);
        const servers = /cluster/i.test(name) ? cluster.nodes : [single];
        const damage = (id: string) => overwrite(servers, `ts:s:${id}`);
        return { store: redisStore(first.client), other: redisStore(second.client), damage };
      },
    });
  }
});

/** Replaces the value of a session, on the server that has it. */
async function overwrite(servers: readonly RedisServer[], key: string): Promise<void> {
  for (const server of servers) await command(server, ['SET', key, 'damaged', 'XX', 'KEEPTTL']).catch(() => undefined);
}
