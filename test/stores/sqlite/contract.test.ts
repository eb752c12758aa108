import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import { type StoreCapabilities, storeContract } from '../../../src/testing/index.js';
import { NATIVE } from '../../runtimes/suite/capabilities.js';
import { DRIVER_DEPTH, RUNS } from '../../support/size.js';
import { RUNNER, VARIANT_RUNNER } from '../support/runner.js';
import { drivers } from './support/drivers.js';

const capabilities: StoreCapabilities = { ...NATIVE, expires: 'by sweep', sweep: true, damages: true };

/** A deadline that is not a valid time. */
const damageSql = (id: string) => `UPDATE token_sessions SET expires_at = 9223372036854775807 WHERE id = '${id}'`;

for (const [index, driver] of (await drivers()).entries()) {
  storeContract({
    runner: index === 0 ? RUNNER : VARIANT_RUNNER,
    name: `the store contract on SQLite in a file, through ${driver.name}`,
    capabilities,
    depth: 'pairs',
    runs: RUNS,
    createStore() {
      const folder = mkdtempSync(join(tmpdir(), 'token-sessions-sqlite-'));
      const databases = [driver.open(join(folder, 'sessions.db')), driver.open(join(folder, 'sessions.db'))] as const;
      // The data of these tests need not survive a crash.
      for (const database of databases) database.exec('PRAGMA synchronous = OFF');
      return {
        store: sqliteStore(databases[0]),
        other: sqliteStore(databases[1]),
        damage: async (id) => databases[1].exec(damageSql(id)),
        close() {
          for (const database of databases) database.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  });

  storeContract({
    runner: VARIANT_RUNNER,
    name: `the store contract on SQLite in memory, through ${driver.name}`,
    capabilities,
    depth: DRIVER_DEPTH,
    runs: RUNS,
    createStore() {
      const database = driver.open(':memory:');
      return {
        store: sqliteStore(database),
        damage: async (id) => database.exec(damageSql(id)),
        close: () => database.close(),
      };
    },
  });
}
