import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { command, describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { expectNothingWrong, faultTable } from './table.js';
import { moments, type Scene, STORE_TIMEOUT } from './under-load.js';

const LONG = 60_000;

describeWithRedis('invariant 6: faults of Redis while four processes work', () => {
  let server: RedisServer;
  const table = faultTable('Redis, appendfsync always');
  const load = (name: string, fault: (scene: Scene) => Promise<void>) =>
    table.load(name, { kind: 'redis', url: server.url }, fault);

  beforeEach(async () => {
    // Acknowledged writes are on the disk. Otherwise a killed server would lose its memory.
    server = await startRedis({ appendonly: 'yes', appendfsync: 'always' });
  });
  afterEach(() => server.stop());
  afterAll(table.print);

  test('a server that is killed and started again loses no acknowledged write', { timeout: LONG }, async () => {
    const outcome = await load('SIGKILL and restart', async ({ over }) => {
      server.signal('SIGKILL');
      await moments(500);
      await server.restart();
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
  });

  test('while the server is stopped for 5 s, every request ends in time, and all continues on its own', {
    timeout: LONG,
  }, async () => {
    const outcome = await load('SIGSTOP for 5 s', async ({ over }) => {
      server.signal('SIGSTOP');
      await moments(5_000);
      server.signal('SIGCONT');
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    // The promise is storeTimeout and 100 ms; the rest allows for a busy machine.
    expect(outcome.slowestFailure).toBeLessThan(STORE_TIMEOUT + 3_000);
  });

  test('connections that are cut lose no acknowledged write', { timeout: LONG }, async () => {
    const outcome = await load('connections cut, 20 times', async ({ over }) => {
      for (let i = 0; i < 20; i += 1) {
        await command(server, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
        await moments(50);
      }
      await over();
    });
    expectNothingWrong(outcome);
  });

  test('flushed scripts lose no acknowledged write', { timeout: LONG }, async () => {
    const outcome = await load('SCRIPT FLUSH, 20 times', async ({ over }) => {
      for (let i = 0; i < 20; i += 1) {
        await command(server, ['SCRIPT', 'FLUSH']);
        await moments(25);
      }
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.codes).toEqual({});
  });

  test('a server that refuses writes causes outages', { timeout: LONG }, async () => {
    const outcome = await load('no writes accepted for 1 s', async ({ over }) => {
      await command(server, ['CONFIG', 'SET', 'min-replicas-to-write', '1']);
      await moments(1_000);
      await command(server, ['CONFIG', 'SET', 'min-replicas-to-write', '0']);
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
  });
});
