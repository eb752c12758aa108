import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { createSessions } from '../../../src/index.js';
import { sqliteStore } from '../../../src/stores/sqlite/index.js';
import { databaseFiles } from './support/files.js';

const files = databaseFiles();

test('invariant 3: 4 processes increment one counter in one file, and no increment is lost', async () => {
  const path = files.path();
  const sessions = createSessions<{ count: number }>({ store: sqliteStore(files.open(path)) });
  const { id, token } = await sessions.create({ count: 0 });
  const script = new URL('./support/count.ts', import.meta.url).pathname;
  const run = () => promisify(execFile)(process.execPath, ['--import', 'tsx', script, path, token, '4', '100']);
  await Promise.all(Array.from({ length: 4 }, run));
  expect((await sessions.find(id))?.data).toEqual({ count: 400 });
}, 120_000);

test('64 logins at a limit of 3, over two connections, leave 3 that work', async () => {
  const options = {
    ownerOf: (data: { user: string }) => data.user,
    maxPerOwner: { max: 3, onLimit: 'evict-oldest' } as const,
  };
  const open = () => createSessions<{ user: string }>({ ...options, store: sqliteStore(files.open(files.path())) });
  const [one, two] = [open(), open()];
  const created = await Promise.all(
    Array.from({ length: 64 }, (_, index) => (index % 2 ? one : two).create({ user: 'ada' })),
  );
  const usable = await Promise.all(created.map(async ({ token }) => (await one.fromToken(token)).session !== null));
  expect(usable.filter(Boolean)).toHaveLength(3);
  expect(await two.listFor('ada')).toHaveLength(3);
});

test('invariant 4: the file holds no token and no secret', async () => {
  const path = files.path();
  const database = files.open(path);
  const sessions = createSessions<{ user: string }>({ store: sqliteStore(database), ownerOf: (data) => data.user });
  const created = await sessions.create({ user: 'recognisable-owner' });
  const rotated = await created.rotate();
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  const file = readFileSync(path, 'latin1');
  expect(file).toContain('recognisable-owner');
  expect(file).toContain(created.id);
  for (const token of [created.token, rotated]) {
    expect(token).toMatch(/^ts_/);
    const secret = String(token).split('.')[1] ?? '';
    expect(secret).toHaveLength(43);
    expect(file).not.toContain(secret);
    expect(file).not.toContain(Buffer.from(secret, 'base64url').toString('latin1'));
  }
});

test('invariant 6: a closed database is an outage with an event, not a logout', async () => {
  const database = files.open(files.path());
  const sessions = createSessions<{ user: string }>({ store: sqliteStore(database) });
  const events: string[] = [];
  sessions.on('store-error', (event) => events.push(event.reason));
  const { token } = await sessions.create({ user: 'ada' });
  database.close();
  await expect(sessions.fromToken(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  expect(events).toEqual([expect.stringContaining('has been closed')]);
});
