import pg from 'pg';
import { createSessions } from '../../../../src/index.js';
import { postgresStore } from '../../../../src/stores/postgres/index.js';
import { countTogether } from '../../support/counting.js';

// One of the processes that increment a counter together.
const { config, token, processes, times } = JSON.parse(process.argv[2] ?? '');
const pool = new pg.Pool({ ...config, max: 5 });
const sessions = createSessions<{ count: number }>({ store: postgresStore(pool), storeTimeout: '15s' });
await countTogether(sessions, token, processes, times);
await pool.end();
