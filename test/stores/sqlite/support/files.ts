import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach } from 'vitest';

/** Opens databases on files in a folder of the test. Both go when the test has ended. */
export function databaseFiles(): { path(name?: string): string; open(path: string): Database.Database } {
  let folder: string | undefined;
  const opened: Database.Database[] = [];
  afterEach(() => {
    for (const database of opened.splice(0)) if (database.open) database.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
    folder = undefined;
  });
  return {
    path(name = 'sessions.db') {
      folder ??= mkdtempSync(join(tmpdir(), 'token-sessions-sqlite-'));
      return join(folder, name);
    },
    open(path) {
      const database = new Database(path);
      opened.push(database);
      return database;
    },
  };
}
