export type { SqliteDatabase, SqliteStatement, SqliteValue } from './database.js';
export { type SqliteStore, type SqliteStoreOptions, sqliteStore } from './store.js';
export { createTablesSql, type TableOptions } from './table.js';
