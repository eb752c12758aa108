import { createRequire } from 'node:module';
import { RedisStore } from 'connect-redis';
import session from 'express-session';
import tokenSession from 'express-token-session';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, beforeAll } from 'vitest';
import { type CallbackStore, expressStore } from '../../../src/stores/express-store/index.js';
import { type StoreCapabilities, storeContract } from '../../../src/testing/index.js';
import { command, describeWithRedis, type RedisServer, startRedis } from '../../support/services/redis.js';
import { RUNS } from '../../support/size.js';
import { describePostgres } from '../postgres/support/server.js';
import { RUNNER, VARIANT_RUNNER } from '../support/runner.js';
import { CheckedMemoryStore, OwnStore, PgStore, RedisStoreOfTheAncestor } from './stores.js';

/**
 * Operations of an adapted callback store are not atomic between processes, and its data consists
 * of fields.
 */
const NONE: StoreCapabilities = { atomic: false, anyBody: false, expires: 'by sweep' };
const ALL: StoreCapabilities = { ...NONE, count: true, clear: true, sweep: true, inSteps: true };

function contractOf(
  name: string,
  capabilities: StoreCapabilities,
  open: () => Promise<CallbackStore[]> | CallbackStore[],
  runner = RUNNER,
): void {
  storeContract({
    runner,
    name: `the store contract on ${name}`,
    capabilities,
    depth: 'pairs',
    runs: RUNS,
    async createStore() {
      const [store, other] = (await open()).map((each) => expressStore(each));
      if (!store) throw new Error('open gives at least one store');
      return { store, other };
    },
  });
}

contractOf('express-session’s MemoryStore', { ...ALL, expires: 'own clock' }, () => [new session.MemoryStore()]);
contractOf(
  'memorystore',
  { ...ALL, expires: 'own clock' },
  () => [new CheckedMemoryStore({ checkPeriod: false })],
  VARIANT_RUNNER,
);
contractOf('the ancestor’s MemoryStore', ALL, () => [new tokenSession.MemoryStore()], VARIANT_RUNNER);
contractOf('a subclass of the ancestor’s Store', { ...NONE, count: true }, () => [new OwnStore()]);

describeWithRedis('on Redis', () => {
  let server: RedisServer;
  const close: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(async () => {
    for (const each of close) each();
    await server.stop();
  });

  /** Two stores, each with its own client, on an empty server. */
  function onRedis(
    name: string,
    capabilities: StoreCapabilities,
    open: () => Promise<CallbackStore> | CallbackStore,
  ): void {
    let stores: CallbackStore[] | undefined;
    contractOf(name, capabilities, async () => {
      stores ??= [await open(), await open()];
      await command(server, ['FLUSHALL']);
      return stores;
    });
  }

  onRedis('connect-redis', { ...ALL, expires: 'own clock' }, async () => {
    const client = await createClient({ url: server.url }).connect();
    close.push(() => client.destroy());
    return new RedisStore({ client });
  });

  onRedis('token-session-redis, with the client of 2014 that comes with it', NONE, () => {
    const fromHere = createRequire(import.meta.url);
    const ownClient: { createClient(port: number, host: string): { end(): void } } = createRequire(
      fromHere.resolve('token-session-redis'),
    )('redis');
    const client = ownClient.createClient(server.port, '127.0.0.1');
    close.push(() => client.end());
    return new RedisStoreOfTheAncestor({ client, disableTTL: true });
  });

  onRedis('token-session-redis, over ioredis', NONE, () => {
    const client = new Redis(server.url);
    close.push(() => client.disconnect());
    return new RedisStoreOfTheAncestor({ client, disableTTL: true });
  });
});

describePostgres('on PostgreSQL', (postgres) => {
  let stores: CallbackStore[] | undefined;
  let pool: ReturnType<typeof postgres.pool> | undefined;
  // The store creates its table at its first use.
  const noTableYet = (error: { code?: string }) => {
    if (error.code !== '42P01') throw error;
  };
  contractOf('connect-pg-simple', { ...NONE, expires: 'own clock' }, async () => {
    stores ??= [0, 1].map(
      () => new PgStore({ pool: postgres.pool(), createTableIfMissing: true, pruneSessionInterval: false }),
    );
    pool ??= postgres.pool();
    await pool.query('DELETE FROM session').catch(noTableYet);
    return stores;
  });
});
