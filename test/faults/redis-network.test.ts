import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { type Break, type BreakingProxy, startBreakingProxy } from '../support/services/breaking-proxy.js';
import {
  command,
  describeWithRedis,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startSentinel,
} from '../support/services/redis.js';
import { smallDisk } from '../support/services/small-disk.js';
import { BROKEN_BODIES } from './damage.js';
import { expectDamageNoticed, expectNothingWrong, expectNoWrongAnswers, faultTable } from './table.js';
import { moments } from './under-load.js';

const LONG = 60_000;

describeWithRedis('invariant 6: faults of one Redis server while four processes work', () => {
  let server: RedisServer;
  let proxy: BreakingProxy;
  const table = faultTable('Redis, the network and the records');

  beforeEach(async () => {
    server = await startRedis();
    proxy = await startBreakingProxy(server);
  });
  afterEach(async () => {
    await proxy.close();
    await server.stop();
  });
  afterAll(table.print);

  test.each<[Break, string]>([
    ['cut', 'connection reset in mid-answer, 30 times'],
    ['eaten', 'answer lost after the write, 30 times'],
  ])('no acknowledged write is lost if answers are %s', { timeout: LONG }, async (how, name) => {
    const config = { kind: 'redis', url: `redis://127.0.0.1:${proxy.port}` } as const;
    const outcome = await table.load(name, config, async ({ over }) => {
      await proxy.breakAnswers(how, 'evalsha', 30);
      await over();
    });
    expectNothingWrong(outcome);
  });

  test('damaged records are refused or served as anonymous', { timeout: LONG }, async () => {
    const whole = Object.values(BROKEN_BODIES).map((broken) => (value: string) => {
      const [, created, expires, indexed, owner, ...body] = value.split('\n');
      return ['1by-hand', created, expires, indexed, owner, broken(body.join('\n'))].join('\n');
    });
    const damages = [
      ...whole,
      () => '',
      () => '{"userId":"of another program"}',
      (value: string) => `2${value.slice(1)}`,
      (value: string) => value.split('\n').slice(0, 3).join('\n'),
      (value: string) => value.replace(/\n\d+\n/, '\nyesterday\n'),
    ];
    const outcome = await table.load(
      'records damaged',
      { kind: 'redis', url: server.url },
      async ({ ids, damaged, over }) => {
        for (const [index, damage] of damages.entries()) {
          const id = ids[index] ?? '';
          const key = `ts:s:${id}`;
          damaged(id);
          await command(server, ['SET', key, damage(String(await command(server, ['GET', key]))), 'KEEPTTL']);
          await moments(20);
        }
        const id = ids[damages.length] ?? '';
        damaged(id);
        await command(server, [
          'EVAL',
          "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'a')",
          '1',
          `ts:s:${id}`,
        ]);
        await moments(300);
        await over();
      },
    );
    expectDamageNoticed(outcome);
  });

  test('requests fail while there is no room for the log, and succeed afterwards', { timeout: LONG }, async ({
    skip,
  }) => {
    const disk = smallDisk(16) ?? skip('no file system of its own may be mounted here');
    const logging = await startRedis({ appendonly: 'yes', appendfsync: 'everysec', dir: disk.path });
    try {
      const outcome = await table.load(
        'disk full for 1 s (appendfsync everysec)',
        { kind: 'redis', url: logging.url },
        async ({ over }) => {
          disk.fill();
          await moments(1_500);
          disk.empty();
          await over();
        },
      );
      expectNothingWrong(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    } finally {
      await logging.stop();
      disk.release();
    }
  });
});

describeWithRedis('invariant 6: faults of several Redis servers while four processes work', () => {
  const table = faultTable('Redis, several servers');
  afterAll(table.print);

  test('moving slots of a Cluster lose no acknowledged write', { timeout: LONG }, async () => {
    const cluster = await startRedisCluster();
    try {
      const outcome = await table.load(
        'Cluster, 20 slots moved',
        { kind: 'redis cluster', rootNodes: cluster.rootNodes },
        async ({ ids, over }) => {
          for (const id of ids.slice(0, 20)) await moveSlotOf(`ts:s:${id}`, cluster.nodes);
          await over();
        },
      );
      expectNothingWrong(outcome);
      expect(outcome.codes).toEqual({});
    } finally {
      await cluster.stop();
    }
  });

  test('when a primary dies, its replica takes over without the writes it had not received', {
    timeout: 2 * LONG,
  }, async () => {
    const sentinel = await startSentinel();
    try {
      const rootNodes = sentinel.rootNodes.map(({ host, port }) => ({ host, port }));
      const outcome = await table.load(
        'fail-over by Sentinel',
        { kind: 'redis sentinel', name: sentinel.name, rootNodes },
        async ({ over }) => {
          sentinel.nodes[0]?.signal('SIGKILL');
          await over();
        },
      );
      expectNoWrongAnswers(outcome);
      expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
      // Replication is asynchronous: writes that had not reached the replica are lost, and the
      // table shows how many.
      expect(outcome.lostWrites).toBeLessThan(outcome.served / 2);
    } finally {
      await sentinel.stop();
    }
  });
});

/** Moves slots as `redis-cli --cluster reshard` does. */
async function moveSlotOf(key: string, nodes: readonly RedisServer[]): Promise<void> {
  const ask = async (server: RedisServer, ...args: string[]) => String(await command(server, args));
  const [first] = nodes;
  if (!first) throw new Error('a Cluster has servers');
  const slot = await ask(first, 'CLUSTER', 'KEYSLOT', key);
  const held = await Promise.all(nodes.map((node) => ask(node, 'CLUSTER', 'COUNTKEYSINSLOT', slot)));
  const from = nodes[held.findIndex((count) => count !== '0')] ?? first;
  const to = nodes.find((node) => node !== from) ?? first;
  await ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', await ask(from, 'CLUSTER', 'MYID'));
  await ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', await ask(to, 'CLUSTER', 'MYID'));
  await moments(5);
  for (let keys = await keysIn(from, slot); keys.length > 0; keys = await keysIn(from, slot)) {
    await ask(from, 'MIGRATE', '127.0.0.1', String(to.port), '', '0', '5000', 'KEYS', ...keys);
  }
  await moments(5);
  const toId = await ask(to, 'CLUSTER', 'MYID');
  for (const node of [to, from, ...nodes.filter((each) => each !== to && each !== from)]) {
    await ask(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
  }
}

async function keysIn(node: RedisServer, slot: string): Promise<string[]> {
  const keys = await command(node, ['CLUSTER', 'GETKEYSINSLOT', slot, '100']);
  return Array.isArray(keys) ? keys.map(String) : [];
}
