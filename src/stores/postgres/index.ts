/**
 * Sessions in PostgreSQL.
 *
 * @module token-sessions/postgres
 */

export type { PostgresClient } from './client.js';
export type { TableOptions } from './names.js';
export { type PostgresStore, type PostgresStoreOptions, postgresStore } from './store.js';
export { createTablesSql } from './tables.js';
