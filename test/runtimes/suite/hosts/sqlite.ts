import { type SqliteDatabase, sqliteStore } from 'token-sessions/sqlite';

/*
 * The SQLite of Node, Bun or Deno. The modules are named by variables: a compiler or bundler would
 * look for those that its own runtime does not have.
 */

type Constructor = new (path: string) => SqliteDatabase & { close(): unknown };

const MODULES = {
  bun: async (name = 'bun:sqlite'): Promise<Constructor> => (await import(name)).Database,
  node: async (name = 'node:sqlite'): Promise<Constructor> => (await import(name)).DatabaseSync,
  // Node 20 has no SQLite of its own.
  none: async (name = 'libsql'): Promise<Constructor> => (await import(name)).default,
};

async function constructorHere(): Promise<Constructor> {
  if ('Bun' in globalThis) return MODULES.bun();
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13) ? MODULES.node() : MODULES.none();
}

const Sqlite = await constructorHere();

/** A new database in memory, and a store in it. */
export function openSqlite() {
  const database = new Sqlite(':memory:');
  return { store: sqliteStore(database), close: () => database.close() };
}
