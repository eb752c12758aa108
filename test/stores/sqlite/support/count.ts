import Database from 'libsql';
import { createSessions } from '../../../../src/index.js';
import { sqliteStore } from '../../../../src/stores/sqlite/index.js';

// Raises the counter of one session, as often as it is told to.
const [path = '', token = '', times = '0'] = process.argv.slice(2);
const sessions = createSessions<{ count: number }>({ store: sqliteStore(new Database(path), { busyTimeout: '10s' }), storeTimeout: '15s' });
await Promise.all(
  Array.from({ length: Number(times) }, async () => {
    const { session } = await sessions.fromToken(token);
    await session?.update((data) => {
      data.count += 1;
    });
  }),
);
