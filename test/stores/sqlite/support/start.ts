import Database from 'libsql';
import { v7 } from 'uuid';
import { sqliteStore } from '../../../../src/stores/sqlite/index.js';

// A process that starts like an application, and uses the store at once.
const store = sqliteStore(new Database(process.argv[2] ?? ''));
await store.insert({ id: v7(), version: 'first', createdAt: 0, expiresAt: 1, body: '{}' }, 1);
