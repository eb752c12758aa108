import { renameSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import { record, rewritten } from '../support/records.js';
import { databaseFiles } from './support/files.js';

const GONE = { name: 'SessionError', code: 'STORE_UNAVAILABLE', message: expect.stringContaining('deleted or replaced') };

describe('a file that is deleted or replaced while it is in use', () => {
  const files = databaseFiles();
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** Lets as much time go by, as reads see it. */
  const later = (ms: number) => {
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ms);
  };

  test('takes no writes, and is read for a second at most', async () => {
    const store = sqliteStore(files.open(files.path()));
    const given = record();
    await store.insert(given, 1000);
    rmSync(files.path());
    await expect(store.insert(record(), 1000)).rejects.toMatchObject(GONE);
    await expect(store.replace(rewritten(given), given.version, 1000)).rejects.toMatchObject(GONE);
    await expect(store.delete(given.id)).rejects.toMatchObject(GONE);
    later(1_000);
    for (let times = 0; times < 2; times += 1) await expect(store.find(given.id)).rejects.toMatchObject(GONE);
  });

  test('is told from the one that has come in its place', async () => {
    const store = sqliteStore(files.open(files.path()));
    renameSync(files.path(), files.path('aside.db'));
    const [given, other] = [record(), sqliteStore(files.open(files.path('other.db')))];
    await other.insert(given, 1000);
    renameSync(files.path('other.db'), files.path());
    later(1_000);
    await expect(store.find(given.id)).rejects.toMatchObject(GONE);
    await expect(store.clear()).rejects.toMatchObject(GONE);
  });

  test('is used again when it is back, with all that was written before and nothing that was refused', async () => {
    const store = sqliteStore(files.open(files.path()));
    const given = record();
    await store.insert(given, 1000);
    renameSync(files.path(), files.path('aside.db'));
    await expect(store.replace(rewritten(given), given.version, 1000)).rejects.toMatchObject(GONE);
    renameSync(files.path('aside.db'), files.path());
    expect(await store.find(given.id)).toStrictEqual(given);
    expect(await store.delete(given.id)).toBe(true);
  });
});
