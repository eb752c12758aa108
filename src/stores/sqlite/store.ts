import { type Duration, parseDelay } from '../../core/duration.js';
import { SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import { wrongKind } from '../shared/kinds.js';
import { AsyncRunner, type AsyncSqlite, asyncExecute } from './async-runner.js';
import { Executor, isSyncDatabase, type SqliteDatabase, withExec } from './executor.js';
import { namesOf, prepareDatabase, type TableOptions } from './table.js';
import { type SqliteStore, verbsOf } from './verbs.js';

/** Options of {@link sqliteStore}. */
export interface SqliteStoreOptions extends TableOptions {
  /**
   * How long a call waits for other processes that write, before it fails as busy. It does not
   * block the process.
   *
   * @default '2s'
   */
  readonly busyTimeout?: Duration | undefined;
}

/**
 * A store in an SQLite database (3.38 or later). Synchronous drivers: better-sqlite3, libsql,
 * `node:sqlite`, `bun:sqlite` or any other with `prepare(sql)`. Asynchronous ones:
 * `@libsql/client` (Turso) and Cloudflare D1. It creates a missing table, and sets a file to
 * write-ahead logging. See docs/stores/sqlite.md.
 *
 * @example
 * const store = sqliteStore(new Database('sessions.db'));
 *
 * @throws `INVALID_OPTION`; `STORE_UNAVAILABLE` if another process keeps the file locked for 5 s
 *   while the table must be created
 */
export function sqliteStore(database: SqliteDatabase | AsyncSqlite, options: SqliteStoreOptions = {}): SqliteStore {
  const kind = wrongKind(database, 'SQLite');
  if (kind !== undefined) throw new SessionError('INVALID_OPTION', `database is ${kind}`);
  checkOptions(options, 'sqliteStore(database, options)');
  const names = namesOf(options);
  const patience = parseDelay(options.busyTimeout ?? '2s', 'busyTimeout', 0);
  const execute = asyncExecute(database);
  if (execute) return verbsOf(new AsyncRunner(execute, names, patience), names.table);
  if (!isSyncDatabase(database))
    throw new SessionError(
      'INVALID_OPTION',
      'database must have prepare(sql), as a better-sqlite3 database has, or be a client of @libsql/client',
    );
  const executing = withExec(database);
  prepareDatabase(executing, names);
  return verbsOf(new Executor(executing, patience), names.table);
}
