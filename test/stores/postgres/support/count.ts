import pg from 'pg';
import { createSessions } from '../../../../src/index.js';
import { postgresStore } from '../../../../src/stores/postgres/index.js';

// Raises the counter of one session, as often as it is told to.
const { config, token, times } = JSON.parse(process.argv[2] ?? '');
const pool = new pg.Pool({ ...config, max: 5 });
const sessions = createSessions<{ count: number }>({ store: postgresStore(pool), storeTimeout: '15s' });
await Promise.all(
  Array.from({ length: times }, async () => {
    const { session } = await sessions.fromToken(token);
    await session?.update((data) => {
      data.count += 1;
    });
  }),
);
await pool.end();
