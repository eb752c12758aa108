import { Cluster as IoredisCluster, Redis } from 'ioredis';
import { Cluster as IovalkeyCluster, Redis as Valkey } from 'iovalkey';
import { createClient, createClientPool, createCluster, createSentinel } from 'redis';
import * as redis6 from 'redis6';
import type { RedisClient } from '../../../src/stores/redis/index.js';
import type { RedisCluster, RedisServer } from '../../support/services/redis.js';

/** The servers of a suite. */
export interface Services {
  readonly single: RedisServer;
  readonly cluster: RedisCluster;
  readonly sentinel: RedisCluster & { readonly name: string };
}

export interface OpenClient {
  readonly client: RedisClient;
  close(): unknown;
}

/** A connected client of some kind. */
export type Open = (services: Services) => Promise<OpenClient>;

const ignore = () => undefined;
const hosts = (cluster: RedisCluster) => cluster.rootNodes.map(({ host, port }) => ({ host, port }));

/** Opens a client of node-redis, which ends with the test. */
export async function openNodeRedis(url: string) {
  const client = createClient({ url }).on('error', ignore);
  await client.connect();
  return client;
}

const SINGLE_CLIENTS = {
  async 'node-redis'({ single }: Services) {
    const client = await openNodeRedis(single.url);
    return { client, close: () => client.destroy() };
  },
  async 'node-redis, RESP3 and mapped types'({ single }: Services) {
    const client = createClient({
      url: single.url,
      RESP: 3,
      commandOptions: { typeMapping: { 36: Buffer, 58: String } },
    }).on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'node-redis pool'({ single }: Services) {
    const client = createClientPool({ url: single.url }, { minimum: 2, maximum: 4 }).on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async ioredis({ single }: Services) {
    const client = new Redis(single.port).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'ioredis with a prefix, pipelines and numbers as text'({ single }: Services) {
    const client = new Redis(single.port, { keyPrefix: 'app*:', enableAutoPipelining: true, stringNumbers: true }).on(
      'error',
      ignore,
    );
    return { client, close: () => client.disconnect() };
  },
  async iovalkey({ single }: Services) {
    const client = new Valkey(single.port).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'node-redis sentinel'({ sentinel }: Services) {
    const client = createSentinel({ name: sentinel.name, sentinelRootNodes: hosts(sentinel) }).on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'node-redis 6'({ single }: Services) {
    const client = redis6.createClient({ url: single.url, disableOfflineQueue: true }).on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'node-redis 6 sentinel'({ sentinel }: Services) {
    const client = redis6
      .createSentinel({ name: sentinel.name, sentinelRootNodes: hosts(sentinel) })
      .on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'ioredis with sentinels'({ sentinel }: Services) {
    const client = new Redis({ name: sentinel.name, sentinels: hosts(sentinel) }).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
};

const CLUSTER_CLIENTS = {
  async 'node-redis cluster'({ cluster }: Services) {
    const client = createCluster({ rootNodes: cluster.rootNodes.map(({ url }) => ({ url })), useReplicas: true }).on(
      'error',
      ignore,
    );
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'node-redis 6 cluster'({ cluster }: Services) {
    const client = redis6
      .createCluster({ rootNodes: cluster.rootNodes.map(({ url }) => ({ url })) })
      .on('error', ignore);
    await client.connect();
    return { client, close: () => client.destroy() };
  },
  async 'ioredis Cluster'({ cluster }: Services) {
    const client = new IoredisCluster(hosts(cluster)).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'ioredis Cluster with a prefix, pipelines and reads from replicas'({ cluster }: Services) {
    const client = new IoredisCluster(hosts(cluster), {
      keyPrefix: 'app:',
      enableAutoPipelining: true,
      scaleReads: 'slave',
    }).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
  async 'iovalkey Cluster'({ cluster }: Services) {
    const client = new IovalkeyCluster(hosts(cluster), { enableAutoPipelining: true }).on('error', ignore);
    return { client, close: () => client.disconnect() };
  },
};

export const ALL_CLIENTS = { ...SINGLE_CLIENTS, ...CLUSTER_CLIENTS } satisfies Record<string, Open>;

export type ClientName = keyof typeof ALL_CLIENTS;
