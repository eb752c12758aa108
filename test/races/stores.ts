import Libsql from 'libsql';
import pg from 'pg';
import { createClient, createCluster } from 'redis';
import type { SessionStore } from '../../src/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { redisStore } from '../../src/stores/redis/index.js';
import { sqliteStore } from '../../src/stores/sqlite/index.js';
import type { OwnStore } from './types.js';

export interface OpenStore {
  readonly store: SessionStore;
  close(): Promise<void>;
}

/** The store, over a connection of this process. */
export async function openStore(config: OwnStore): Promise<OpenStore> {
  switch (config.kind) {
    case 'redis': {
      // A client without a listener for its errors ends the process at the first one.
      const client = await createClient({ url: config.url }).on('error', ignore).connect();
      return { store: redisStore(client), close: async () => client.destroy() };
    }
    case 'redis cluster': {
      const cluster = createCluster({ rootNodes: [...config.rootNodes] });
      await cluster.on('error', ignore).connect();
      return { store: redisStore(cluster), close: async () => cluster.destroy() };
    }
    case 'postgres': {
      const pool = new pg.Pool({ ...config.config, max: 8 }).on('error', ignore);
      const store = postgresStore(pool);
      await store.createTables();
      return { store, close: () => pool.end() };
    }
    case 'sqlite': {
      const database = new Libsql(config.path);
      return { store: sqliteStore(database), close: async () => void database.close() };
    }
  }
}

function ignore(): void {}
