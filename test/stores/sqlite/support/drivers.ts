import Libsql from 'libsql';
import type { SqliteDatabase } from '../../../../src/stores/sqlite/index.js';

/** A driver, and what is particular about it. */
export interface Driver {
  readonly name: string;
  open(path: string): SqliteDatabase & { close(): unknown };
}

/** The drivers that run here: libsql, also giving integers as bigints, and that of Node where it has one (22 and later). */
export async function drivers(): Promise<Driver[]> {
  const node = await nodeDriver();
  return [
    { name: 'libsql', open: (path) => new Libsql(path) },
    { name: 'libsql with bigints', open: (path) => new Libsql(path).defaultSafeIntegers(true) },
    ...(node ? [node] : []),
  ];
}

type NodeSqlite = { readonly DatabaseSync: new (path: string) => SqliteDatabase & { close(): void } };

async function nodeDriver(): Promise<Driver | undefined> {
  // By a name that is not known when this is compiled, as the types in use are those of Node 20.
  const name: string = 'node:sqlite';
  try {
    const { DatabaseSync }: NodeSqlite = await import(name);
    return { name, open: (path) => new DatabaseSync(path) };
  } catch {
    return undefined;
  }
}
