// All in one file: its tests share a Cluster and a Sentinel, which are slow to start.

import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createCluster, createSentinel } from 'redis';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type RedisClient, type RedisStore, redisStore } from '../../../src/stores/redis/index.js';
import {
  command,
  describeWithRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
} from '../../support/services/redis.js';
import { ALL_CLIENTS, type ClientName, type OpenClient, openNodeRedis, type Services } from './clients.js';
import { HOUR, record } from './records.js';
import { withServices } from './suite.js';

/** Remembers its calls. */
function listener() {
  const told = { ended: [] as string[], gaps: 0 };
  return {
    told,
    ended: (ids: readonly string[]) => void told.ended.push(...ids),
    gap: () => {
      told.gaps += 1;
    },
  };
}

async function subscribe(store: RedisStore, to: ReturnType<typeof listener>): Promise<() => Promise<void>> {
  if (!store.subscribe) throw new Error('the store has no notifications');
  return store.subscribe(to);
}

/** The number of connections to these servers with a subscription, except the servers' own. */
async function subscriptions(servers: readonly RedisServer[]): Promise<number> {
  const lists = await Promise.all(servers.map((each) => command(each, ['CLIENT', 'LIST', 'TYPE', 'pubsub'])));
  return lists
    .join('\n')
    .split('\n')
    .filter((line) => / sub=[1-9]/.test(line) && / psub=0/.test(line) && !line.includes('cmd=psubscribe')).length;
}

describeWithRedis('notifications', () => {
  let services: Services;
  withServices((started) => {
    services = started;
  });

  /** The servers that the client with this name uses. */
  const serversOf = (name: string): readonly RedisServer[] => {
    if (/cluster/i.test(name)) return services.cluster.nodes;
    return /sentinel/i.test(name) ? services.sentinel.nodes : [services.single];
  };

  describe.each(Object.entries(ALL_CLIENTS))('%s', (name, open) => {
    const connections = () => subscriptions(serversOf(name));
    let opened: OpenClient;
    let store: RedisStore;
    beforeEach(async () => {
      opened = await open(services);
      // A separate prefix: a Cluster's server may pass on a message of the previous test from
      // another server.
      store = redisStore(opened.client, { prefix: `${randomUUID()}:` });
      await store.find(record().id);
    });
    afterEach(() => opened.close());

    test('opens one connection for the first listener, and closes it after the last', async () => {
      const before = await connections();
      const [first, second] = [listener(), listener()];
      const stops = await Promise.all([subscribe(store, first), subscribe(store, second)]);
      expect(await connections()).toBe(before + 1);
      const session = record();
      await store.insert(session, HOUR);
      await store.delete(session.id);
      await vi.waitFor(() => expect([first.told.ended, second.told.ended]).toEqual([[session.id], [session.id]]));
      await stops[0]?.();
      await stops[0]?.();
      expect(await connections()).toBe(before + 1);
      const other = record();
      await store.insert(other, HOUR);
      await store.delete(other.id);
      await vi.waitFor(() => expect(second.told.ended).toEqual([session.id, other.id]));
      expect(first.told.ended).toEqual([session.id]);
      await stops[1]?.();
      await vi.waitFor(async () => expect(await connections()).toBe(before));
      expect(first.told.gaps + second.told.gaps).toBe(0);
      // The client itself is unchanged.
      expect(await store.find(record().id)).toBeNull();
    });

    test('reports each ended session once, whichever verb ended it', async () => {
      const { told, ...to } = listener();
      const stop = await subscribe(store, { told, ...to });
      const sessions = Array.from({ length: 4 }, () => record({ ownerId: 'ada' }));
      const ownerless = record();
      for (const each of [...sessions, ownerless]) await store.insert(each, HOUR);
      const login = record({ ownerId: 'ada' });
      await store.insertWithin(login, HOUR, { max: 4, onLimit: 'evict-oldest', now: 0 });
      await store.deleteByOwner('ada', sessions[3]?.id);
      await store.deleteByOwner('ada');
      await store.clear();
      const all = [...sessions, login, ownerless].map(({ id }) => id);
      await vi.waitFor(() => expect(told.ended.toSorted()).toEqual(all.toSorted()));
      await stop();
    });
  });

  describe.each<ClientName>([
    'node-redis',
    'node-redis pool',
    'ioredis',
    'ioredis with a prefix, pipelines and numbers as text',
    'iovalkey',
    'ioredis with sentinels',
    'node-redis cluster',
    'ioredis Cluster',
    'iovalkey Cluster',
  ])('a lost connection: %s', (name) => {
    test('is opened again, and the gap is reported', async () => {
      const opened = await ALL_CLIENTS[name](services);
      const store = redisStore(opened.client);
      const to = listener();
      const stop = await subscribe(store, to);
      for (let times = 1; times <= 3; times += 1) {
        for (const server of serversOf(name)) await command(server, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
        // One gap for the loss, and one when notifications flow again.
        await vi.waitFor(() => expect(to.told.gaps).toBeGreaterThanOrEqual(2 * times), { timeout: 5_000 });
        const session = record();
        await store.insert(session, HOUR);
        await store.delete(session.id);
        await vi.waitFor(() => expect(to.told.ended).toContain(session.id));
      }
      await stop();
      opened.close();
    });
  });

  test('the subscription moves to another server if its Cluster server goes away permanently', async () => {
    const cluster = await startRedisCluster();
    const client = createCluster({ rootNodes: cluster.rootNodes.map(({ url }) => ({ url })) }).on(
      'error',
      () => undefined,
    );
    await client.connect();
    const store = redisStore(client);
    const to = listener();
    const stop = await subscribe(store, to);
    const counts = await Promise.all(cluster.nodes.map((node) => subscriptions([node])));
    const gone = cluster.nodes[counts.indexOf(1)];
    const left = cluster.nodes.filter((node) => node !== gone);
    gone?.signal('SIGKILL');
    await vi.waitFor(async () => expect(await subscriptions(left)).toBe(1), { timeout: 15_000, interval: 100 });
    // One gap for the loss, and one when the other server listens.
    await vi.waitFor(() => expect(to.told.gaps).toBe(2));
    await stop();
    client.destroy();
    await cluster.stop();
  }, 60_000);

  test('messages that are not ids are not reported', async () => {
    const client = await openNodeRedis(services.single.url);
    const store = redisStore(client);
    const to = listener();
    const stop = await subscribe(store, to);
    const { id } = record();
    for (const text of ['', 'x', `${id}x`, id.toUpperCase(), id]) await client.publish('ts:ended', text);
    await vi.waitFor(() => expect(to.told.ended).toEqual([id]));
    await stop();
    client.destroy();
  });

  test('subscriber: false leaves the work to rechecks', async () => {
    const client = await openNodeRedis(services.single.url);
    expect(redisStore(client, { subscriber: false }).subscribe).toBeUndefined();
    client.destroy();
  });

  describe('a subscriber of the caller', () => {
    const opened: { close(): unknown }[] = [];
    afterEach(() => {
      for (const each of opened.splice(0)) each.close();
    });
    const kinds: Readonly<
      Record<string, () => Promise<{ subscriber: RedisClient; on: 'single' | 'sentinel' | 'cluster' }>>
    > = {
      async 'node-redis'() {
        const subscriber = await openNodeRedis(services.single.url);
        opened.push({ close: () => subscriber.destroy() });
        return { subscriber, on: 'single' };
      },
      async ioredis() {
        const subscriber = new Redis(services.single.port);
        opened.push({ close: () => subscriber.disconnect() });
        return { subscriber, on: 'single' };
      },
      async 'node-redis cluster'() {
        const subscriber = createCluster({ rootNodes: services.cluster.rootNodes.map(({ url }) => ({ url })) }).on(
          'error',
          () => undefined,
        );
        await subscriber.connect();
        opened.push({ close: () => subscriber.destroy() });
        return { subscriber, on: 'cluster' };
      },
      async 'node-redis sentinel'() {
        const [{ host, port } = { host: '', port: 0 }] = services.sentinel.rootNodes;
        const subscriber = createSentinel({ name: services.sentinel.name, sentinelRootNodes: [{ host, port }] }).on(
          'error',
          () => undefined,
        );
        await subscriber.connect();
        opened.push({ close: () => subscriber.destroy() });
        return { subscriber, on: 'sentinel' };
      },
    };
    const clientOf = { single: 'node-redis', sentinel: 'node-redis sentinel', cluster: 'node-redis cluster' } as const;

    test.each(Object.entries(kinds))('%s is used, and stays open', async (name, open) => {
      const connections = () => subscriptions(serversOf(name));
      const { subscriber, on } = await open();
      const client = await ALL_CLIENTS[clientOf[on]](services);
      opened.push(client);
      const before = await connections();
      const store = redisStore(client.client, { subscriber });
      for (let times = 0; times < 2; times += 1) {
        const to = listener();
        const stop = await subscribe(store, to);
        expect(await connections()).toBe(before + 1);
        const session = record();
        await store.insert(session, HOUR);
        await store.delete(session.id);
        await vi.waitFor(() => expect(to.told.ended).toContain(session.id));
        await stop();
        await vi.waitFor(async () => expect(await connections()).toBe(before));
      }
      expect(await redisStore(subscriber).find(record().id)).toBeNull();
    });

    test('of ioredis may have another prefix', async () => {
      const client = new Redis(services.single.port, { keyPrefix: 'app:' });
      const subscriber = client.duplicate({ keyPrefix: 'other:' });
      opened.push(...[client, subscriber].map((each) => ({ close: () => each.disconnect() })));
      const to = listener();
      const store = redisStore(client, { subscriber });
      const stop = await subscribe(store, to);
      await subscriber.ping();
      const session = record();
      await store.insert(session, HOUR);
      await store.delete(session.id);
      await vi.waitFor(() => expect(to.told.ended).toEqual([session.id]));
      await stop();
    });

    test('of ioredis is waited for while it connects, but not for ever', async () => {
      const client = await openNodeRedis(services.single.url);
      opened.push({ close: () => client.destroy() });
      await redisStore(client).find(record().id);
      const ready = new Redis(services.single.port);
      const nowhere = new Redis(1, { retryStrategy: () => null }).on('error', () => undefined);
      opened.push(...[ready, nowhere].map((each) => ({ close: () => each.disconnect() })));
      const stop = await subscribe(redisStore(client, { subscriber: ready }), listener());
      await expect(subscribe(redisStore(client, { subscriber: nowhere }), listener())).rejects.toThrow(
        /Connection is closed|was not ready/,
      );
      await stop();
    });

    test('that may not subscribe causes an error', async () => {
      await command(services.single, ['ACL', 'SETUSER', 'mute', 'on', '>secret', '~*', 'resetchannels', '+@all']);
      const client = await openNodeRedis(services.single.url);
      const subscriber = new Redis(services.single.port, { username: 'mute', password: 'secret' });
      opened.push({ close: () => client.destroy() }, { close: () => subscriber.disconnect() });
      await expect(subscribe(redisStore(client, { subscriber }), listener())).rejects.toThrow(/NOPERM/);
      expect(subscriber.listenerCount('message')).toBe(0);
    });

    test('reports its gaps', async () => {
      const client = await openNodeRedis(services.single.url);
      const subscriber = await openNodeRedis(services.single.url);
      opened.push({ close: () => client.destroy() }, { close: () => subscriber.destroy() });
      const to = listener();
      const stop = await subscribe(redisStore(client, { subscriber }), to);
      await command(services.single, ['CLIENT', 'KILL', 'TYPE', 'pubsub']);
      await vi.waitFor(() => expect(to.told.gaps).toBe(2));
      await stop();
    });
  });

  test('one connection serves subscribers that come and go faster than it opens and closes', async () => {
    const client = await openNodeRedis(services.single.url);
    const store = redisStore(client);
    const connections = () => subscriptions([services.single]);
    const before = await connections();
    const to = listener();
    const rounds = Array.from({ length: 20 }, async (_, i) => {
      const stop = await subscribe(store, to);
      if (i % 3) await Promise.all([stop(), stop()]);
      else await stop();
    });
    const stop = await subscribe(store, to);
    await Promise.all(rounds);
    expect(await connections()).toBe(before + 1);
    const session = record();
    await store.insert(session, HOUR);
    await store.delete(session.id);
    await vi.waitFor(() => expect(to.told.ended).toEqual([session.id]));
    await stop();
    await vi.waitFor(async () => expect(await connections()).toBe(before));
    client.destroy();
  });

  test('while the server is away, subscribing fails in bounded time, and works when it is back', async () => {
    const server = await startRedis();
    const [node, io] = [
      await openNodeRedis(server.url),
      new Redis(server.port, { retryStrategy: () => 50 }).on('error', () => undefined),
    ];
    const stores = [redisStore(node), redisStore(io)];
    for (const store of stores) await store.find(record().id);
    server.signal('SIGSTOP');
    const failures = await Promise.allSettled(stores.map((store) => subscribe(store, listener())));
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    server.signal('SIGCONT');
    for (const store of stores) {
      const to = listener();
      const stop = await subscribe(store, to);
      const session = record();
      await store.insert(session, HOUR);
      await store.delete(session.id);
      await vi.waitFor(() => expect(to.told.ended).toEqual([session.id]));
      await stop();
    }
    node.destroy();
    io.disconnect();
    await server.stop();
  });

  test('after a restart of the server, the gap and later ends are reported', async () => {
    const server = await startRedis();
    const [node, io] = [
      await openNodeRedis(server.url),
      new Redis(server.port, { retryStrategy: () => 50 }).on('error', () => undefined),
    ];
    const stores = [redisStore(node), redisStore(io)];
    const listeners = stores.map(() => listener());
    const stops = await Promise.all(stores.map((store, i) => subscribe(store, listeners[i] ?? listener())));
    server.signal('SIGKILL');
    await server.restart();
    await vi.waitFor(() => expect(listeners.every(({ told }) => told.gaps > 1)).toBe(true), { timeout: 10_000 });
    const session = record();
    await stores[0]?.insert(session, HOUR);
    await stores[1]?.delete(session.id);
    await vi.waitFor(() => expect(listeners.map(({ told }) => told.ended)).toEqual([[session.id], [session.id]]));
    for (const stop of stops) await stop();
    node.destroy();
    io.disconnect();
    await server.stop();
  });
});
