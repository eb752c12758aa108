import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import { describeSqlVerbs } from '../support/sql-verbs.js';
import { drivers } from './support/drivers.js';

for (const driver of await drivers()) {
  describe(`SQLite in a file, through ${driver.name}`, () => {
    describeSqlVerbs(async () => {
      const folder = mkdtempSync(join(tmpdir(), 'token-sessions-sqlite-'));
      const database = driver.open(join(folder, 'sessions.db'));
      // The data of these tests need not survive a crash.
      database.exec('PRAGMA synchronous = OFF');
      return {
        store: sqliteStore(database),
        execute: async (sql) => database.exec(sql),
        close: async () => {
          database.close();
          rmSync(folder, { recursive: true });
        },
      };
    });
  });

  describe(`SQLite in memory, through ${driver.name}`, () => {
    describeSqlVerbs(async () => {
      const database = driver.open(':memory:');
      return {
        store: sqliteStore(database),
        execute: async (sql) => database.exec(sql),
        close: async () => void database.close(),
      };
    });
  });
}
