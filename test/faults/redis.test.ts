import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { command, describeWithRedis, type RedisServer, startRedis } from '../support/services/redis.js';
import { lineOf, moments, type Outcome, STORE_TIMEOUT, TABLE_HEAD, underLoad } from './under-load.js';

const LONG = 60_000;

function expectNothingWrong({ wrongAnswers, surplusWrites, unhandled, codes }: Outcome): void {
  expect(codes).toEqual('STORE_UNAVAILABLE' in codes ? { STORE_UNAVAILABLE: expect.any(Number) } : {});
  expect({ wrongAnswers, surplusWrites, unhandled }).toEqual({ wrongAnswers: 0, surplusWrites: 0, unhandled: [] });
}

describeWithRedis('invariant 6: faults of Redis while four processes work', () => {
  let server: RedisServer;
  const lines: string[] = [];
  const load = async (name: string, fault: Parameters<typeof underLoad>[1]) => {
    const outcome = await underLoad({ kind: 'redis', url: server.url }, fault);
    lines.push(lineOf(name, outcome));
    return outcome;
  };

  beforeEach(async () => {
    // What is acknowledged is on the disk: without it, what a killed server had in memory is gone.
    server = await startRedis({ appendonly: 'yes', appendfsync: 'always' });
  });
  afterEach(() => server.stop());
  afterAll(() => console.info(['Redis, appendfsync always', '', TABLE_HEAD, ...lines].join('\n')));

  test('killed and started again: nothing that was acknowledged is lost', { timeout: LONG }, async () => {
    const outcome = await load('SIGKILL and restart', async (over) => {
      server.signal('SIGKILL');
      await moments(500);
      await server.restart();
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.lostWrites).toBe(0);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    expect(outcome.recovery).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('stopped for 5 s: every request ends in time, none hangs, and all goes on by itself', { timeout: LONG }, async () => {
    const outcome = await load('SIGSTOP for 5 s', async (over) => {
      server.signal('SIGSTOP');
      await moments(5_000);
      server.signal('SIGCONT');
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.lostWrites).toBe(0);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
    // The promise is storeTimeout and 100 ms; the rest is for a machine that is busy.
    expect(outcome.slowestFailure).toBeLessThan(STORE_TIMEOUT + 1_000);
    expect(outcome.recovery).toBeLessThan(Number.POSITIVE_INFINITY);
  });

  test('connections cut in the middle', { timeout: LONG }, async () => {
    const outcome = await load('connections cut, 20 times', async (over) => {
      for (let i = 0; i < 20; i += 1) {
        await command(server, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
        await moments(50);
      }
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.lostWrites).toBe(0);
  });

  test('scripts flushed', { timeout: LONG }, async () => {
    const outcome = await load('SCRIPT FLUSH, 20 times', async (over) => {
      for (let i = 0; i < 20; i += 1) {
        await command(server, ['SCRIPT', 'FLUSH']);
        await moments(25);
      }
      await over();
    });
    expectNothingWrong(outcome);
    expect([outcome.lostWrites, outcome.codes]).toEqual([0, {}]);
  });

  test('a server that takes no writes', { timeout: LONG }, async () => {
    const outcome = await load('no writes accepted for 1 s', async (over) => {
      await command(server, ['CONFIG', 'SET', 'min-replicas-to-write', '1']);
      await moments(1_000);
      await command(server, ['CONFIG', 'SET', 'min-replicas-to-write', '0']);
      await over();
    });
    expectNothingWrong(outcome);
    expect(outcome.lostWrites).toBe(0);
    expect(outcome.codes['STORE_UNAVAILABLE']).toBeGreaterThan(0);
  });
});
