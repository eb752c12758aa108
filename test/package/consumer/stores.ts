import Database from 'libsql';
import pg from 'pg';
import { createSessions, type SessionStore } from 'token-sessions';
import { createTablesSql, postgresStore } from 'token-sessions/postgres';
import { sqliteStore } from 'token-sessions/sqlite';
import type { Data } from './core.js';

/** Not connected: that its client is accepted, and that the store is one, is what is checked here. */
const pool = new pg.Pool();
export const postgres: SessionStore = postgresStore(pool);
if (!createTablesSql().includes('CREATE TABLE')) throw new Error('no SQL for migrations');
await pool.end();

const sessions = createSessions<Data>({ store: sqliteStore(new Database(':memory:')) });
const { token } = await sessions.create({ userId: 'ada', views: 0 });
const { session } = await sessions.fromToken(token);
if (session?.data.userId !== 'ada') throw new Error('the session was not found by its token');
await sessions.close();
