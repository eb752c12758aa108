import Libsql from 'libsql';
import pg from 'pg';
import { createClient, createCluster } from 'redis';
import type { SessionStore } from '../../../src/index.js';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { redisStore } from '../../../src/stores/redis/index.js';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import type { OwnStore } from '../../races/types.js';

/**
 * A store that records the verbs that the library calls, and the commands that the database
 * receives.
 */
export interface TappedStore {
  readonly store: SessionStore;
  readonly calls: string[];
  readonly sent: string[];
  close(): Promise<unknown> | unknown;
}

export async function openTapped(config: OwnStore): Promise<TappedStore> {
  const sent: string[] = [];
  const { store, close } = await open(config, (name) => void sent.push(name));
  const calls: string[] = [];
  return { store: tapped(store, (name) => void calls.push(name)), calls, sent, close };
}

type Note = (name: string) => void;

async function open(config: OwnStore, note: Note): Promise<Pick<TappedStore, 'store' | 'close'>> {
  switch (config.kind) {
    case 'redis': {
      const client = await createClient({ url: config.url }).on('error', ignore).connect();
      return { store: redisStore(tapped(client, noteCommand(note))), close: () => client.destroy() };
    }
    case 'redis cluster': {
      const cluster = createCluster({ rootNodes: [...config.rootNodes] });
      await cluster.on('error', ignore).connect();
      return { store: redisStore(tapped(cluster, noteCommand(note))), close: () => cluster.destroy() };
    }
    case 'postgres': {
      const pool = new pg.Pool(config.config).on('error', ignore);
      const store = postgresStore(tapped(pool, (method, [text]) => method === 'query' && note(messageName(text))));
      await store.createTables();
      return { store, close: () => pool.end() };
    }
    case 'sqlite': {
      const database = new Libsql(config.path);
      return { store: sqliteStore(withTappedStatements(database, note)), close: () => database.close() };
    }
  }
}

/** The object, with each method call recorded. Steps of an operation are methods too. */
function tapped<Target extends object>(
  target: Target,
  note: (method: string, args: readonly unknown[]) => unknown,
): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name);
      if (name === 'steps' && typeof value === 'object' && value !== null) return tapped(value, note);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        note(String(name), args);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

/**
 * The command is a list among the arguments: the first one of a client, the third of a cluster.
 */
function noteCommand(note: Note): (method: string, args: readonly unknown[]) => void {
  return (method, args) => {
    const command = args.find((each) => Array.isArray(each));
    if (method === 'sendCommand' && command) note(String(command[0]));
  };
}

function withTappedStatements(database: Libsql.Database, note: Note) {
  return {
    exec: (sql: string) => database.exec(sql),
    prepare(sql: string) {
      const statement = database.prepare(sql);
      return {
        all(...params: unknown[]) {
          note(firstWord(sql));
          return statement.all(...params);
        },
      };
    },
  };
}

/** The kind of a message: its first word says little if that is `WITH`. */
function messageName(text: unknown): string {
  const sql = String(text);
  if (sql.startsWith('SET TRANSACTION')) return 'script of 3';
  return ['INSERT', 'DELETE', 'UPDATE', 'SELECT'].find((word) => sql.includes(word)) ?? firstWord(sql);
}

function firstWord(text: unknown): string {
  return /^\w+/.exec(String(text))?.[0] ?? '';
}

function ignore(): void {}
