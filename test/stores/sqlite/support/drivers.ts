import Libsql from 'libsql';
import type { SqliteDatabase } from '../../../../src/stores/sqlite/index.js';

/** A driver, with its peculiarities. */
export interface Driver {
  readonly name: string;
  open(path: string): Required<SqliteDatabase> & { close(): unknown };
}

/**
 * The drivers that run here: libsql, also with integers as bigints, and Node's own from version 22
 * on.
 */
export async function drivers(): Promise<Driver[]> {
  const node = await nodeDriver();
  return [
    { name: 'libsql', open: (path) => new Libsql(path) },
    { name: 'libsql with bigints', open: (path) => new Libsql(path).defaultSafeIntegers(true) },
    ...(node ? [node] : []),
  ];
}

type NodeSqlite = { readonly DatabaseSync: new (path: string) => Required<SqliteDatabase> & { close(): void } };

async function nodeDriver(): Promise<Driver | undefined> {
  // The name is unknown at compile time, because the types in use are those of Node 20.
  const name: string = 'node:sqlite';
  try {
    const { DatabaseSync }: NodeSqlite = await import(name);
    return { name, open: (path) => new DatabaseSync(path) };
  } catch {
    return undefined;
  }
}
