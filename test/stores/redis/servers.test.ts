import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import {
  command,
  commandStats,
  describeWithRedis,
  type RedisCluster,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '../../support/services/redis.js';
import { ALL_CLIENTS, type ClientName, type OpenClient, type Services } from './clients.js';
import { changed, HOUR, record } from './records.js';

const CLUSTER_CLIENTS = [
  'node-redis cluster',
  'ioredis Cluster',
  'ioredis Cluster with a prefix, pipelines and reads from replicas',
  'iovalkey Cluster',
] as const satisfies readonly ClientName[];

/** Every kind of write, each on its own sessions. */
async function works(store: RedisStore): Promise<void> {
  const owner = `owner ${record().id}`;
  const [first, second] = [record({ ownerId: owner }), record({ ownerId: owner })];
  expect(await store.insert(first, HOUR)).toBe('inserted');
  const next = changed(first);
  expect(await store.replace(next, first.version, HOUR)).toBe('replaced');
  expect(await store.replace(changed(first), first.version, HOUR)).toBe('conflict');
  expect(await store.insertWithin(second, HOUR, { max: 1, onLimit: 'evict-oldest', now: 0 })).toMatchObject({
    evicted: [first.id],
  });
  expect(await store.findMany([first.id, second.id])).toEqual([null, second]);
  expect(await store.listByOwner(owner)).toEqual([second]);
  expect(await store.deleteByOwner(owner)).toEqual([second.id]);
  expect(await store.delete(second.id)).toBe(false);
}

const soon = { timeout: 20_000, interval: 100 };

describeWithRedis('servers that change', () => {
  const opened: OpenClient[] = [];
  let services: Services;
  /** Only some of the services are used. */
  const open = async (name: ClientName, some: Partial<Services>): Promise<RedisStore> => {
    const client = await ALL_CLIENTS[name]({ ...services, ...some });
    opened.push(client);
    return redisStore(client.client);
  };
  beforeAll(async () => {
    const [single, cluster, sentinel] = await Promise.all([startRedis(), startRedisCluster(), startSentinel()]);
    services = { single, cluster, sentinel };
  }, 60_000);
  afterEach(() => {
    for (const each of opened.splice(0)) each.close();
  });
  afterAll(() => Promise.all([services.single.stop(), services.cluster.stop(), services.sentinel.stop()]));

  test.each(Object.keys(ALL_CLIENTS) as ClientName[])(
    'scripts that were flushed are loaded again: %s',
    async (name) => {
      const store = await open(name, {});
      const [primary] = services.sentinel.nodes;
      const servers = primary ? [services.single, ...services.cluster.nodes, primary] : [];
      const flush = () => Promise.all(servers.map((server) => command(server, ['SCRIPT', 'FLUSH'])));
      for (let round = 0; round < 3; round += 1) {
        await flush();
        await works(store);
      }
      let done = false;
      const work = Promise.all([works(store), works(store), works(store), works(store)]).finally(() => {
        done = true;
      });
      while (!done) await flush();
      await work;
    },
  );

  test.each(['node-redis', 'node-redis pool', 'ioredis', 'iovalkey'] as const)(
    'a server that is killed and started again serves again: %s',
    async (name) => {
      const single = await startRedis({ appendonly: 'yes', appendfsync: 'always' });
      const store = await open(name, { single });
      const session = record({ ownerId: 'ada' });
      await store.insert(session, HOUR);
      single.signal('SIGKILL');
      await single.restart();
      await vi.waitFor(() => works(store), soon);
      expect(await store.listByOwner('ada')).toEqual([session]);
      for (const each of opened.splice(0)) each.close();
      await single.stop();
    },
  );

  test('when a primary dies, its replica takes over with all acknowledged writes', async () => {
    const sentinel = await startSentinel();
    const [primary, replica] = sentinel.nodes;
    if (!primary || !replica) throw new Error('there are a primary and a replica');
    const stores = await Promise.all(
      (['node-redis sentinel', 'ioredis with sentinels'] as const).map((name) => open(name, { sentinel })),
    );
    const gaps = [0, 0];
    const stops = await Promise.all(
      stores.map((store, i) =>
        store.subscribe?.({
          ended: () => undefined,
          gap: () => {
            gaps[i] = (gaps[i] ?? 0) + 1;
          },
        }),
      ),
    );
    const session = record({ ownerId: 'ada' });
    await stores[0]?.insert(session, HOUR);
    // The session, and the index of its owner.
    await vi.waitFor(async () => expect(await command(replica, ['DBSIZE'])).toBe(2), soon);
    primary.signal('SIGKILL');
    for (const store of stores) {
      // A Sentinel that got no processor time does nothing for 30 s, because it distrusts its
      // clock.
      await vi.waitFor(() => works(store), { timeout: 60_000, interval: 200 });
      expect(await store.listByOwner('ada')).toEqual([session]);
    }
    await vi.waitFor(() => expect(gaps.every((count) => count > 0)).toBe(true), soon);
    await Promise.all(stops.map((stop) => stop?.()));
    for (const each of opened.splice(0)) each.close();
    await sentinel.stop();
  }, 180_000);

  describe('a slot of a Cluster that moves', () => {
    const session = record({ ownerId: 'ada' });
    const key = `ts:s:${session.id}`;
    const ask = async (server: RedisServer | undefined, ...args: string[]) =>
      String(server && (await command(server, args)));
    let stores: RedisStore[];
    beforeEach(async () => {
      stores = await Promise.all(
        (['node-redis cluster', 'ioredis Cluster', 'iovalkey Cluster'] as const).map((name) => open(name, {})),
      );
      for (const store of stores) await works(store);
    });

    test('is followed, during the move and after it', async () => {
      const { nodes } = services.cluster;
      await stores[0]?.insert(session, HOUR);
      const slot = await ask(nodes[0], 'CLUSTER', 'KEYSLOT', key);
      const held = await Promise.all(nodes.map((node) => ask(node, 'CLUSTER', 'COUNTKEYSINSLOT', slot)));
      const from = nodes[held.findIndex((count) => count !== '0')];
      const to = nodes.find((node) => node !== from);
      const [fromId, toId] = [await ask(from, 'CLUSTER', 'MYID'), await ask(to, 'CLUSTER', 'MYID')];
      await ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
      await ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
      let current = session;
      const rewrite = async () => {
        for (const store of stores) {
          expect(await store.find(session.id)).toEqual(current);
          const next = changed(current);
          expect(await store.replace(next, current.version, HOUR)).toBe('replaced');
          current = next;
        }
      };
      await rewrite();
      await ask(from, 'MIGRATE', '127.0.0.1', String(to?.port), key, '0', '5000');
      await rewrite();
      for (const node of nodes) await ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
      await rewrite();
      expect(await stores[1]?.delete(session.id)).toBe(true);
      for (const store of stores) expect(await store.find(session.id)).toBeNull();
    });
  });

  describe('a Cluster with replicas', () => {
    let cluster: RedisCluster;
    beforeAll(async () => {
      cluster = await startRedisCluster(3, 1);
    }, 60_000);
    afterAll(() => cluster.stop());

    test('never serves reads from a replica, even to clients that would', async () => {
      const replicas = cluster.nodes.slice(3);
      for (const name of CLUSTER_CLIENTS) {
        const store = await open(name, { cluster });
        await vi.waitFor(() => works(store), soon);
        for (const node of replicas) await command(node, ['CONFIG', 'RESETSTAT']);
        await works(store);
        for (const node of replicas) {
          const stats = await commandStats(node);
          // Commands that the primary passes on are not counted here.
          expect(
            Object.keys(stats).filter((each) => /^(get|getex|mget|evalsha|eval|scan|exists)$/.test(each)),
          ).toEqual([]);
        }
      }
    });

    test('replaces a master that dies with its replica', async () => {
      const stores = await Promise.all(CLUSTER_CLIENTS.map((name) => open(name, { cluster })));
      for (const store of stores) await vi.waitFor(() => works(store), soon);
      cluster.nodes[0]?.signal('SIGKILL');
      for (const [i, store] of stores.entries()) {
        // Each client needs its keys in every slot at some time.
        const all = async () => {
          for (let times = 0; times < 10; times += 1) await works(store);
        };
        await vi.waitFor(all, { timeout: 90_000, interval: 200 }).catch((cause: unknown) => {
          throw new Error(`${CLUSTER_CLIENTS[i]} did not recover`, { cause });
        });
      }
    }, 400_000);
  });
});
