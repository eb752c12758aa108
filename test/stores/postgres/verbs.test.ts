import { describe } from 'vitest';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { describeSqlVerbs } from '../support/sql-verbs.js';
import { describePostgres } from './support/server.js';

describePostgres('PostgreSQL', (postgres) => {
  describe('through a Pool', () => {
    describeSqlVerbs(async () => {
      const pool = postgres.pool();
      const store = postgresStore(pool);
      await store.createTables();
      return { store, execute: (sql) => pool.query(sql), close: async () => undefined };
    });
  });

  describe('through a Client', () => {
    describeSqlVerbs(async () => {
      const client = await postgres.client();
      const store = postgresStore(client);
      await store.createTables();
      return { store, execute: (sql) => client.query(sql), close: async () => undefined };
    });
  });

  describe('with serialisable transactions and meaningful backslashes by default', () => {
    describeSqlVerbs(async () => {
      const pool = postgres.pool({
        options:
          '-c default_transaction_isolation=serializable -c standard_conforming_strings=off -c escape_string_warning=off',
        max: 5,
      });
      const store = postgresStore(pool);
      await store.createTables();
      return { store, execute: (sql) => pool.query(sql), close: async () => undefined };
    });
  });
});
