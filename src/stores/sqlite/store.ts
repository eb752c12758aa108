import { type Duration, parseDuration } from '../../core/duration.js';
import { SessionError } from '../../core/error.js';
import { Executor, type SqliteDatabase } from './executor.js';
import { namesOf, prepareDatabase, type TableOptions } from './table.js';
import { type SqliteStore, verbsOf } from './verbs.js';

export interface SqliteStoreOptions extends TableOptions {
  /** How long a call waits for other processes that write, before it fails as busy. It does not block the process. Default `'2s'`. */
  readonly busyTimeout?: Duration | undefined;
}

/**
 * A store in an SQLite database (3.38 or later), through any synchronous driver with `prepare(sql)` and `exec(sql)`. Several processes may use one
 * file. Makes its table where it is missing, and sets the file to write-ahead logging.
 *
 * | verb | statements |
 * | --- | --- |
 * | `find` · `findMany` · `listByOwner` · `count` | one `SELECT` |
 * | `insert` · `delete` · `deleteByOwner` · `clear` | one `INSERT` or `DELETE` |
 * | `replace` | one `UPDATE`; where it meets another version or none, one `SELECT` tells which |
 * | `insertWithin` | `SELECT`, `DELETE` and `INSERT` |
 * | `sweep` | one `DELETE` for each 500 records, with a pause for everybody else |
 *
 * Each verb that writes is one transaction that takes the write lock first (`BEGIN IMMEDIATE`), so every verb is atomic among processes. A lock that another
 * process holds is waited for in line, with timers, up to `busyTimeout`; the driver's own wait, which would block this process, is set aside meanwhile.
 *
 * Give the store a connection of its own: a transaction that the application keeps open on it would hold up the store, or take its writes along when it
 * is rolled back. The connection is never closed.
 *
 * What can be lost: nothing that was answered, when processes are killed in the midst of their work, when the disk is full or the file may not be written to:
 * calls are refused meanwhile, and go on by themselves. When the machine crashes, `PRAGMA synchronous` of the connection decides: with `FULL`
 * nothing is lost; with `NORMAL` (some drivers' default) the last moments, among them perhaps a logout, whose session is back until its deadline. Not for files
 * on a network file system, nor for replicas, which lag behind.
 *
 * Do not delete or replace the file while it is in use: SQLite goes on with the old one and tells nobody, and what it acknowledges then is gone when the last process
 * that has it open ends. A file that was put back in its place has lost nothing.
 *
 * @throws `INVALID_OPTION`; `STORE_UNAVAILABLE` where another process keeps the file locked for 5 s while the table is to be made
 */
export function sqliteStore(database: SqliteDatabase, options: SqliteStoreOptions = {}): SqliteStore {
  const usable = typeof database === 'object' && typeof database?.prepare === 'function' && typeof database.exec === 'function';
  if (!usable) throw new SessionError('INVALID_OPTION', 'database has to have prepare(sql) and exec(sql), as that of better-sqlite3 has');
  const names = namesOf(options);
  const patience = parseDuration(options.busyTimeout ?? '2s', 'busyTimeout', 0);
  prepareDatabase(database, names);
  const executor = new Executor(database, patience);
  return verbsOf(executor, names.table);
}
