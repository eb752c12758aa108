/**
 * Sessions in SQLite, Turso and Cloudflare D1.
 *
 * @module token-sessions/sqlite
 */

export type { AsyncSqlite, D1, LibsqlClient } from './async-runner.js';
export type { SqliteDatabase, SqliteStatement } from './executor.js';
export { type SqliteStoreOptions, sqliteStore } from './store.js';
export { createTablesSql, type TableOptions } from './table.js';
export type { SqliteStore, SqliteValue } from './verbs.js';
