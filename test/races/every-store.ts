import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { skipPostgres, startPostgres } from '../support/services/postgres.js';
import { describeWithRedis, startRedis, startRedisCluster } from '../support/services/redis.js';
import type { OwnStore } from './types.js';

/** A store that runs, and what stops it. */
interface Running {
  readonly config: OwnStore;
  stop(): unknown;
}

/** `config` is there once the suite's tests run. */
export type Define = (config: () => OwnStore, store: string) => void;

/**
 * A suite on each native store, each on its own server. It is left out if that server is not
 * installed.
 */
export function describeOnEveryStore(suite: string, define: Define): void {
  const on = (store: string, start: () => Promise<Running>) => () => {
    let running: Running | undefined;
    beforeAll(async () => {
      running = await start();
    }, 60_000);
    afterAll(() => running?.stop());
    define(() => {
      if (running) return running.config;
      throw new Error('the store runs while the tests do');
    }, store);
  };
  describeWithRedis(`${suite}: Redis`, on('Redis', redis));
  describeWithRedis(`${suite}: Redis Cluster`, on('Redis Cluster', redisCluster));
  describe.skipIf(skipPostgres(`${suite}: PostgreSQL`))(`${suite}: PostgreSQL`, on('PostgreSQL', postgres));
  describe(`${suite}: SQLite`, on('SQLite file', sqlite));
}

async function redis(): Promise<Running> {
  const server = await startRedis();
  return { config: { kind: 'redis', url: server.url }, stop: () => server.stop() };
}

async function redisCluster(): Promise<Running> {
  const cluster = await startRedisCluster();
  return { config: { kind: 'redis cluster', rootNodes: cluster.rootNodes }, stop: () => cluster.stop() };
}

async function postgres(): Promise<Running> {
  const server = await startPostgres();
  return { config: { kind: 'postgres', config: server.config }, stop: () => server.stop() };
}

async function sqlite(): Promise<Running> {
  const directory = mkdtempSync(join(tmpdir(), 'races-'));
  return {
    config: { kind: 'sqlite', path: join(directory, 'sessions.db') },
    stop: () => rmSync(directory, { recursive: true, force: true }),
  };
}
