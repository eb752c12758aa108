import pg from 'pg';
import { createClient } from 'redis';
import { postgresStore } from '../../dist/stores/postgres/index.js';
import type { Contestant } from '../run/measure.ts';
import type { Servers } from '../servers/all.ts';
import { cpuWithBackends } from '../servers/postgres.ts';
import { commandsOn, type NodeRedis, total } from '../servers/redis.ts';
import { openStore, STORES, type StoreName } from '../stores.ts';
import { bareTrpc, emptyMiddleware, handRolled, handRolledWithHash } from './hand-rolled.ts';
import { ours } from './ours.ts';
import { betterAuthSession, ironSession, jose } from './peers.ts';

/** A contestant in the process that runs it. */
export interface Ready {
  readonly contestant: Contestant;
  /** The store commands so far. Absent if the contestant has no store that counts. */
  readonly count?: (() => Promise<number>) | undefined;
}

type Make = (servers: Servers) => Promise<Ready>;

/** How to make each contestant of a tRPC request, by its key. */
export const CONTESTANTS: ReadonlyMap<string, Make> = new Map<string, Make>([
  ['bare', async () => ({ contestant: bareTrpc() })],
  ['empty', async () => ({ contestant: emptyMiddleware() })],
  ['plain', onRedis(handRolled)],
  ['hashed', onRedis(handRolledWithHash)],
  ['jose', async () => ({ contestant: await jose() })],
  ['iron-session', async () => ({ contestant: await ironSession() })],
  ['better-auth', onRedis(betterAuthSession)],
  ['prepared', onPostgres('prepared', handRolledOnPostgres)],
  ['ours beside prepared', onPostgres('ours', oursOnPostgres)],
  ...STORES.flatMap((store): [string, Make][] => [
    [readOn(store), onStore(store, 'read')],
    [changeOn(store), onStore(store, 'change')],
  ]),
]);

export function readOn(store: StoreName): string {
  return `read on ${store}`;
}

export function changeOn(store: StoreName): string {
  return `change on ${store}`;
}

function onStore(name: StoreName, kind: 'read' | 'change'): Make {
  return async (servers) => {
    const { store, count } = await openStore(name, servers);
    return { contestant: (await ours(name, store))[kind], count };
  };
}

function onRedis(make: (redis: NodeRedis) => Promise<Contestant>): Make {
  return async ({ redisUrl }) => {
    const redis = createClient({ url: redisUrl });
    await redis.connect();
    return { contestant: await make(redis), count: async () => total(await commandsOn(redis)) };
  };
}

/** A contestant whose CPU time is that of its process and of the server's side of its pool. */
function onPostgres(application: string, make: (pool: pg.Pool) => Promise<Contestant>): Make {
  return async ({ postgres }) => {
    const pool = new pg.Pool({ ...postgres, max: 16, application_name: application });
    pool.on('error', () => undefined);
    return { contestant: { ...(await make(pool)), cpu: () => cpuWithBackends(pool, application) } };
  };
}

async function oursOnPostgres(pool: pg.Pool): Promise<Contestant> {
  const store = postgresStore(pool, { subscriber: false, table: 'ours' });
  await store.createTables();
  return (await ours('PostgreSQL', store)).read;
}

async function handRolledOnPostgres(pool: pg.Pool): Promise<Contestant> {
  await pool.query('CREATE TABLE IF NOT EXISTS hand_rolled (key text PRIMARY KEY, value text NOT NULL)');
  const text = 'SELECT value FROM hand_rolled WHERE key = $1';
  const insert = 'INSERT INTO hand_rolled VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = $2';
  const contestant = await handRolledWithHash({
    get: async (key) => (await pool.query({ name: 'get', text, values: [key] })).rows[0]?.value ?? null,
    set: (key, value) => pool.query(insert, [key, value]),
  });
  return { ...contestant, name: 'hand-rolled: a prepared SELECT, JSON.parse, SHA-256 and a guard' };
}
