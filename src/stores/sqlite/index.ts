export type { SqliteDatabase, SqliteStatement, SqliteValue } from './executor.js';
export { type SqliteStoreOptions, sqliteStore } from './store.js';
export { createTablesSql, type TableOptions } from './table.js';
export type { SqliteStore } from './verbs.js';
