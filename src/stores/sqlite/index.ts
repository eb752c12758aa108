export type { SqliteDatabase, SqliteStatement, SqliteValue } from './database.js';
export { type SqliteStoreOptions, sqliteStore } from './store.js';
export { createTablesSql, type TableOptions } from './table.js';
export type { SqliteStore } from './verbs.js';
