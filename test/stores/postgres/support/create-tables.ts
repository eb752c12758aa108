import pg from 'pg';
import { v7 } from 'uuid';
import { postgresStore } from '../../../../src/stores/postgres/index.js';

// A process that starts like an application: creates the tables, and uses them at once.
const { config, options } = JSON.parse(process.argv[2] ?? '');
const pool = new pg.Pool(config);
const store = postgresStore(pool, options);
await store.createTables();
await store.insert({ id: v7(), version: 'first', createdAt: 0, expiresAt: 1, body: '{}' }, 1);
await pool.end();
