import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import Libsql from 'libsql';
import { describe, expect, test } from 'vitest';
import { type D1, sqliteStore } from '../../../src/stores/sqlite/index.js';
import { type StoreCapabilities, storeContract } from '../../../src/testing/index.js';
import { NATIVE } from '../../runtimes/suite/capabilities.js';
import { RUNS } from '../../support/size.js';
import { record } from '../support/records.js';
import { VARIANT_RUNNER } from '../support/runner.js';

const capabilities: StoreCapabilities = { ...NATIVE, expires: 'by sweep', sweep: true };

storeContract({
  runner: VARIANT_RUNNER,
  name: 'the store contract through @libsql/client, on a file',
  capabilities,
  depth: 'pairs',
  runs: RUNS,
  async createStore() {
    const folder = mkdtempSync(join(tmpdir(), 'token-sessions-libsql-'));
    const url = `file:${join(folder, 'sessions.db')}`;
    const clients = [createClient({ url }), createClient({ url })] as const;
    await clients[0].execute('PRAGMA journal_mode = WAL');
    for (const client of clients) await client.execute('PRAGMA synchronous = OFF');
    return {
      store: sqliteStore(clients[0]),
      other: sqliteStore(clients[1]),
      close() {
        for (const client of clients) client.close();
        rmSync(folder, { recursive: true });
      },
    };
  },
});

/** D1's interface on a database in memory: each statement is answered later, and must be bound. */
function simulatedD1(): D1 & { batch(): void; dump(): void } {
  const database = new Libsql(':memory:');
  return {
    batch: () => undefined,
    dump: () => undefined,
    prepare: (sql) => ({
      bind: (...values) => ({
        async all() {
          await new Promise((resolve) => setImmediate(resolve));
          return { results: database.prepare(sql).all(...values) as object[] };
        },
      }),
    }),
  };
}

storeContract({
  runner: VARIANT_RUNNER,
  name: 'the store contract on a simulated D1',
  capabilities,
  depth: 'pairs',
  runs: RUNS,
  createStore: () => ({ store: sqliteStore(simulatedD1()) }),
});

describe('an asynchronous database', () => {
  test('creates its table when a statement misses it, and not again', async () => {
    const sent: string[] = [];
    const database = simulatedD1();
    const counted: D1 & { batch(): void } = {
      batch: () => undefined,
      prepare(sql) {
        sent.push(sql.slice(0, 12));
        return database.prepare(sql);
      },
    };
    const store = sqliteStore(counted);
    expect(sent).toEqual([]);
    const records = Array.from({ length: 3 }, () => record({ ownerId: 'ada' }));
    expect(await Promise.all(records.map((each) => store.insert(each, 1_000)))).toEqual([
      'inserted',
      'inserted',
      'inserted',
    ]);
    expect(sent).toContain('CREATE TABLE');
    sent.length = 0;
    expect(await store.listByOwner('ada')).toHaveLength(3);
    expect(sent).toHaveLength(1);
  });

  test('fails with its own error when it is away', async () => {
    const away = { execute: () => Promise.reject(new Error('fetch failed')), batch: () => undefined };
    await expect(sqliteStore(away).find(record().id)).rejects.toThrow('fetch failed');
  });

  test('is retried while it is busy, for busyTimeout', async () => {
    let calls = 0;
    const busy = {
      batch: () => undefined,
      async execute() {
        calls += 1;
        if (calls < 4) throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' });
        return { rows: [] };
      },
    };
    expect(await sqliteStore(busy).find(record().id)).toBeNull();
    calls = Number.NEGATIVE_INFINITY;
    await expect(sqliteStore(busy, { busyTimeout: 0 }).find(record().id)).rejects.toThrow('locked');
  });
});
