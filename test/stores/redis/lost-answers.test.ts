import { Cluster, Redis } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import { DELETE, INDEX, REPLACE } from '../../../src/stores/redis/scripts.js';
import { command, describeWithRedis, type RedisServer } from '../../support/services/redis.js';
import { type RedisProxy, startRedisProxy } from '../../support/services/redis-proxy.js';
import { ALL_CLIENTS, type Open, type OpenClient, openNodeRedis, type Services } from './clients.js';
import { HOUR, record } from './records.js';
import { withServices } from './suite.js';

interface Data {
  readonly userId: string;
  n: number;
}

/** The endpoints of a client, with a proxy before each server. */
interface Route {
  readonly servers: readonly RedisServer[];
  readonly entry: { readonly host: string; readonly port: number }[];
  readonly ports: readonly number[];
}

/**
 * The proxies' addresses by the servers' addresses, as clients of Clusters and Sentinels learn
 * them.
 */
function addressMap({ servers, ports }: Route): Record<string, { host: string; port: number }> {
  return Object.fromEntries(
    servers.map(({ port }, i) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: ports[i] ?? 0 }]),
  );
}

const retryStrategy = () => 10;

/** Clients whose answers are never lost. */
const DIRECT: Readonly<Record<'single' | 'cluster' | 'sentinel', Open>> = {
  single: ALL_CLIENTS['node-redis'],
  cluster: ALL_CLIENTS['node-redis cluster'],
  sentinel: ALL_CLIENTS['node-redis sentinel'],
};

const OPEN: Readonly<
  Record<string, { on: 'single' | 'cluster' | 'sentinel'; open(route: Route): Promise<OpenClient> }>
> = {
  'node-redis': {
    on: 'single',
    async open({ ports }) {
      const client = await openNodeRedis(`redis://127.0.0.1:${ports[0]}`);
      return { client, close: () => client.destroy() };
    },
  },
  ioredis: {
    on: 'single',
    async open({ ports }) {
      const client = new Redis(ports[0] ?? 0, { retryStrategy }).on('error', () => undefined);
      return { client, close: () => client.disconnect() };
    },
  },
  'node-redis cluster': {
    on: 'cluster',
    async open(route) {
      const client = createCluster({
        rootNodes: route.entry.map((socket) => ({ socket })),
        nodeAddressMap: addressMap(route),
      });
      await client.on('error', () => undefined).connect();
      return { client, close: () => client.destroy() };
    },
  },
  'ioredis Cluster': {
    on: 'cluster',
    async open(route) {
      const client = new Cluster(route.entry, { natMap: addressMap(route), clusterRetryStrategy: retryStrategy });
      client.on('error', () => undefined);
      return { client, close: () => client.disconnect() };
    },
  },
  'node-redis sentinel': {
    on: 'sentinel',
    async open(route) {
      const client = createSentinel({
        name: 'primary',
        sentinelRootNodes: route.entry,
        nodeAddressMap: addressMap(route),
      });
      await client.on('error', () => undefined).connect();
      return { client, close: () => client.destroy() };
    },
  },
  'ioredis with sentinels': {
    on: 'sentinel',
    async open(route) {
      const client = new Redis({
        name: 'primary',
        sentinels: route.entry,
        natMap: addressMap(route),
        retryStrategy,
        sentinelRetryStrategy: retryStrategy,
      });
      client.on('error', () => undefined);
      return { client, close: () => client.disconnect() };
    },
  },
};

describeWithRedis('an answer that is lost after the server has done its work', () => {
  let services: Services;
  withServices((started) => {
    services = started;
  });

  describe.each(Object.entries(OPEN))('%s', (_name, { on, open }) => {
    let proxy: RedisProxy;
    let opened: OpenClient;
    let direct: OpenClient;
    /** A store over the connection that breaks. */
    let store: RedisStore;
    /** The same sessions over a connection that does not break. */
    let other: RedisStore;
    beforeEach(async () => {
      const { single, cluster, sentinel } = services;
      const servers = { single: [single], cluster: cluster.nodes, sentinel: sentinel.nodes }[on];
      const entry = { single: [], cluster: cluster.rootNodes, sentinel: sentinel.rootNodes }[on];
      proxy = await startRedisProxy(servers);
      opened = await open({ servers, entry: entry.map(({ host, port }) => ({ host, port })), ports: proxy.ports });
      direct = await DIRECT[on](services);
      store = redisStore(opened.client);
      other = redisStore(direct.client);
      await other.clear();
      // Load the scripts first. Otherwise the lost answer would be that the script is unknown.
      const scripts = [REPLACE, INDEX, DELETE].map(({ lua }) => ['SCRIPT', 'LOAD', lua]);
      for (const server of servers) for (const script of scripts) await command(server, script);
      await store.find(record().id);
    });
    afterEach(async () => {
      opened.close();
      direct.close();
      await proxy.close();
    });

    const accounts = () => {
      const options = { ownerOf: (data: Data) => data.userId };
      return {
        sessions: createSessions<Data>({ ...options, store }),
        elsewhere: createSessions<Data>({ ...options, store: other }),
      };
    };

    test('a write whose answer was lost counts once', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      const session = await sessions.find(id);
      proxy.loseAnswer(REPLACE.sha);
      const outcome = session?.update((data) => {
        data.n += 1;
      });
      // If the connection is not back in time for a look-up, the outcome stays unknown.
      await outcome?.catch((error: unknown) => expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' }));
      expect(proxy.lost).toBe(1);
      expect((await elsewhere.find(id))?.data.n).toBe(1);
    });

    test('invariant 3: a write whose answer was lost before another write counts once, and its outcome is unknown', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      const session = await sessions.find(id);
      const count = async (by: number) => {
        const mine = await elsewhere.find(id);
        await mine?.update((data) => {
          data.n += by;
        });
      };
      proxy.loseAnswer(REPLACE.sha, () => count(10));
      const outcome = session?.update((data) => {
        data.n += 1;
      });
      await expect(outcome).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(proxy.lost).toBe(1);
      expect((await elsewhere.find(id))?.data.n).toBe(11);
    });

    test('a logout whose answer was lost has ended the session', async () => {
      const { sessions, elsewhere } = accounts();
      const { id } = await elsewhere.create({ userId: 'ada', n: 0 });
      proxy.loseAnswer(DELETE.sha);
      const outcome = await sessions.destroy(id).catch((error: unknown) => error);
      if (outcome !== true) expect(outcome).toMatchObject({ code: 'STORE_UNAVAILABLE' });
      expect(proxy.lost).toBe(1);
      expect(await elsewhere.find(id)).toBeNull();
    });

    test('a login without an owner whose answer was lost can be repeated', async () => {
      const session = record();
      proxy.loseAnswer(session.id);
      await store.insert(session, HOUR).catch(() => undefined);
      expect(proxy.lost).toBe(1);
      expect(await store.insert(session, HOUR)).toBe('inserted');
      expect(await other.find(session.id)).toEqual(session);
    });

    test.each([
      ['record', 'PX'],
      ['entry in the index', INDEX.sha],
    ])(
      'a login whose answer for its %s was lost either fails, or the account has the session',
      async (_what, text) => {
        const { sessions, elsewhere } = accounts();
        proxy.loseAnswer(text);
        const session = await sessions.create({ userId: 'ada', n: 0 }).catch((error: unknown) => error);
        expect(proxy.lost).toBe(1);
        const listed = (await elsewhere.listFor('ada')).map(({ id }) => id);
        if (session instanceof Error) expect(session).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        else expect(session).toMatchObject({ id: listed[0] });
        expect(await elsewhere.count()).toBe(listed.length);
      },
    );
  });
});
