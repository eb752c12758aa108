import Libsql from 'libsql';
import { createClient, createSentinel } from 'redis';
import { redisStore } from '../../src/stores/redis/index.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import { type OpenStore, openStore } from '../races/stores.js';
import type { OwnStore } from './types.js';

export interface FaultyConnection extends OpenStore {
  /** Runs SQL on the connection of the store. */
  execute?(sql: string): void;
}

/** The store, over a connection of this process. */
export async function connect(config: OwnStore): Promise<FaultyConnection> {
  if (config.kind === 'sqlite') {
    const database = new Libsql(config.path);
    return {
      store: sqliteStore(database),
      execute: (sql) => void database.exec(sql),
      close: async () => void database.close(),
    };
  }
  if (config.kind === 'redis') {
    // This option is recommended: otherwise a client that is cut off at the wrong moment never
    // comes back.
    const client = createClient({ url: config.url, disableOfflineQueue: true });
    await client.on('error', () => undefined).connect();
    return { store: redisStore(client), close: async () => client.destroy() };
  }
  if (config.kind === 'redis sentinel') {
    const client = createSentinel({ name: config.name, sentinelRootNodes: [...config.rootNodes] });
    await client.on('error', () => undefined).connect();
    return { store: redisStore(client), close: async () => client.destroy() };
  }
  return openStore(config);
}
