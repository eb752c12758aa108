import Database from 'libsql';
import { createSessions } from '../../../../src/index.js';
import { sqliteStore } from '../../../../src/stores/sqlite/index.js';
import { countTogether } from '../../support/counting.js';

// One of the processes that increment a counter together.
const [path = '', token = '', processes, times] = process.argv.slice(2);
const store = sqliteStore(new Database(path), { busyTimeout: '10s' });
const sessions = createSessions<{ count: number }>({ store, storeTimeout: '15s' });
await countTogether(sessions, token, Number(processes), Number(times));
