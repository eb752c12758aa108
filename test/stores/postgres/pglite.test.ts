import { PGlite } from '@electric-sql/pglite';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { postgresStore } from '../../../src/stores/postgres/index.js';
import { record } from '../support/records.js';
import { VARIANT_RUNNER } from '../support/runner.js';
import { describeSqlVerbs } from '../support/sql-verbs.js';
import { contractOn } from './support/contract.js';
import { listener } from './support/listener.js';

/** One database for the whole file: it takes seconds to start. */
const database = new PGlite();
afterAll(async () => {
  if (!database.closed) await database.close();
});

describe('the store contract on PGlite', () => {
  contractOn('in memory', async () => [database], VARIANT_RUNNER);
});

describe('PGlite', () => {
  describeSqlVerbs(async () => {
    const store = postgresStore(database);
    await store.createTables();
    return { store, execute: (sql) => database.exec(sql), close: async () => undefined };
  });
});

describe('notifications of PGlite', () => {
  test('report ended sessions', async () => {
    const store = postgresStore(database);
    await store.createTables();
    await store.clear();
    const heard = listener();
    const off = await store.subscribe?.(heard);
    const given = record({ ownerId: 'ada' });
    await store.insert(given, 1000);
    await store.deleteByOwner('ada');
    await vi.waitFor(() => expect(heard.ids).toEqual([given.id]));
    await off?.();
    await store.insert(given, 1000);
    await store.delete(given.id);
    expect(heard.ids).toEqual([given.id]);
  }, 60_000);
});

test('a PGlite that was closed is reported', async () => {
  await database.close();
  await expect(postgresStore(database).count()).rejects.toMatchObject({
    message: expect.stringContaining('has been closed'),
  });
}, 60_000);
