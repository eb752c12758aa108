import { statSync } from 'node:fs';
import Libsql from 'libsql';
import pg from 'pg';
import { createSessions, type SessionStore } from '../../../src/index.js';
import type { OwnStore } from '../../races/types.js';
import { command } from '../../support/services/redis.js';

const OWNER = 'ann';
const LIVE = 3;
/** In each batch, this many sessions are destroyed, expire, and are evicted. */
const OF_EACH = 16;
/** Batches between two sweeps, as in an application that sweeps now and then. */
const SWEEP_EVERY = 25;
const LOOK_EVERY = 5;

/** The entries that the store keeps for the account. */
export interface Holdings {
  /** Members of the owner's index in Redis, or rows of the owner in a database. */
  readonly entries: number;
  /** Their size in bytes: the index's key, or the table and its indexes. */
  readonly bytes: number;
}

export interface Growth {
  readonly cycles: number;
  readonly live: number;
  /** The most entries seen, just after creating sessions that expire at once. */
  readonly most: number;
  readonly atEnd: Holdings;
  /** Measured after a list of the account's sessions and, if the store has one, a sweep. */
  readonly afterwards: Holdings;
}

/**
 * Creates and ends sessions of one account, leaves three live in each batch, and measures what is
 * kept.
 */
export async function growthOf(store: SessionStore, config: OwnStore, cycles: number): Promise<Growth> {
  await store.clear?.();
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const common = { store, now, ownerOf: (data: { owner: string }) => data.owner, storeTimeout: '20s' } as const;
  const plain = createSessions({ ...common });
  const fleeting = createSessions({ ...common, idleTimeout: 1, touchInterval: 0 });
  const limited = createSessions({ ...common, maxPerOwner: { max: LIVE, onLimit: 'evict-oldest' } });
  const look = await lookInto(config);
  let most = 0;
  let done = 0;
  for (let batch = 0; done < cycles; batch += 1, done += 3 * OF_EACH) {
    await many(() => fleeting.create({ owner: OWNER }));
    ahead += 10;
    if (batch % LOOK_EVERY === 0) most = Math.max(most, (await look.holdings()).entries);
    await many(async () => plain.destroy((await plain.create({ owner: OWNER })).id));
    await many(() => limited.create({ owner: OWNER }));
    if (store.sweep && batch % SWEEP_EVERY === 0) await plain.sweep();
  }
  const atEnd = await look.holdings();
  const live = (await plain.listFor(OWNER)).length;
  if (store.sweep) await plain.sweep();
  // A list does not wait for its clean-up of an index. The next command on the connection does.
  await plain.listFor(OWNER);
  const afterwards = await look.holdings();
  await look.close();
  return { cycles: done, live, most: Math.max(most, atEnd.entries), atEnd, afterwards };
}

async function many(run: () => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: OF_EACH }, run));
}

interface Look {
  holdings(): Promise<Holdings>;
  close(): Promise<unknown> | unknown;
}

async function lookInto(config: OwnStore): Promise<Look> {
  switch (config.kind) {
    case 'redis':
      return { holdings: () => inRedis([config]), close: () => undefined };
    case 'redis cluster':
      return { holdings: () => inRedis(config.rootNodes), close: () => undefined };
    case 'postgres': {
      const client = new pg.Client(config.config);
      await client.connect();
      return { holdings: () => inPostgres(client), close: () => client.end() };
    }
    case 'sqlite': {
      const database = new Libsql(config.path);
      return { holdings: async () => inSqlite(database, config.path), close: () => database.close() };
    }
  }
}

/** The index of the only owner is on one of the servers. */
async function inRedis(servers: readonly { readonly url: string }[]): Promise<Holdings> {
  for (const server of servers) {
    const keys = await command(server, ['KEYS', 'ts:o:*']);
    if (!Array.isArray(keys) || keys.length === 0) continue;
    const [key] = keys;
    const [entries, bytes] = [
      await command(server, ['ZCARD', String(key)]),
      await command(server, ['MEMORY', 'USAGE', String(key)]),
    ];
    return { entries: Number(entries), bytes: Number(bytes) };
  }
  return { entries: 0, bytes: 0 };
}

async function inPostgres(client: pg.Client): Promise<Holdings> {
  const { rows } = await client.query(
    `SELECT count(*)::int AS entries, pg_total_relation_size('token_sessions')::int AS bytes
     FROM token_sessions WHERE owner_id = $1`,
    [OWNER],
  );
  return { entries: Number(rows[0]?.entries), bytes: Number(rows[0]?.bytes) };
}

function inSqlite(database: Libsql.Database, path: string): Holdings {
  const row: unknown = database
    .prepare('SELECT count(*) AS entries FROM token_sessions WHERE owner_id = ?')
    .get(OWNER);
  const entries = typeof row === 'object' && row !== null && 'entries' in row ? Number(row.entries) : Number.NaN;
  return { entries, bytes: statSync(path).size };
}
