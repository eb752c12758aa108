import { isSessionError, SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import { quoteName } from '../shared/sql-names.js';
import { COLUMNS } from '../shared/sql-record.js';
import { type ExecutingDatabase, isBusy, rowsOf } from './executor.js';

/** Where the sessions are kept. */
export interface TableOptions {
  /**
   * The table's name, of at most 48 bytes.
   *
   * @default 'token_sessions'
   */
  readonly table?: string | undefined;
}

export interface Names {
  /** In quotes. */
  readonly table: string;
  readonly name: string;
}

/** @throws `INVALID_OPTION` */
export function namesOf({ table: name = 'token_sessions' }: TableOptions): Names {
  const table = quoteName(name, 'table');
  if (/^sqlite_/i.test(name))
    throw new SessionError('INVALID_OPTION', 'table must not begin with sqlite_: such names are SQLite’s own');
  return { table, name };
}

/**
 * The SQL that creates the table and its indexes, for migration tools. Without it, the store
 * creates them if they are missing.
 *
 * @example
 * await writeFile('migrations/001-sessions.sql', createTablesSql());
 *
 * @throws `INVALID_OPTION`
 */
export function createTablesSql(options: TableOptions = {}): string {
  checkOptions(options, 'createTablesSql(options)');
  return tableStatements(namesOf(options))
    .map((each) => `${each};\n`)
    .join('');
}

/** The statements that create the table and its indexes, one by one. */
export function tableStatements({ table, name }: Names): readonly string[] {
  const index = (column: string) => `CREATE INDEX IF NOT EXISTS ${quoted(`${name}_${column}`)} ON ${table}`;
  return [
    `CREATE TABLE IF NOT EXISTS ${table} (
  id TEXT NOT NULL PRIMARY KEY,
  version TEXT NOT NULL,
  owner_id TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  body TEXT NOT NULL
)`,
    `${index('owner')} (owner_id) WHERE owner_id IS NOT NULL`,
    `${index('expires_at')} (expires_at)`,
  ];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** How long the start waits for processes that set up the same file at the same time, in ms. */
const PATIENCE = 5_000;

/**
 * Prepares the database: sets write-ahead logging, so that readers and a writer do not block each
 * other, and creates the table. It blocks the process while another one does the same.
 *
 * @throws `INVALID_OPTION` if the database cannot be used, `STORE_UNAVAILABLE` if another process
 *   keeps it locked
 */
export function prepareDatabase(database: ExecutingDatabase, names: Names): void {
  try {
    checkVersion(database);
    blocking(() => useWriteAheadLog(database));
    blocking(() => ensureTable(database, names));
  } catch (cause) {
    if (isSessionError(cause)) throw cause;
    if (isBusy(cause))
      throw new SessionError(
        'STORE_UNAVAILABLE',
        'the SQLite database is locked by another process: start again later',
        { cause },
      );
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SessionError('INVALID_OPTION', `database cannot be prepared for sessions: ${reason}`, { cause });
  }
}

function checkVersion(database: ExecutingDatabase): void {
  const [row = {}] = rowsOf(database.prepare('SELECT sqlite_version() AS version'));
  const [major = 0, minor = 0] = String(row['version']).split('.').map(Number);
  if (major > 3 || (major === 3 && minor >= 38)) return;
  throw new SessionError(
    'INVALID_OPTION',
    `the session store needs SQLite 3.38 or later, but this driver has ${String(row['version'])}`,
  );
}

function useWriteAheadLog(database: ExecutingDatabase): void {
  const [row = {}] = rowsOf(database.prepare('PRAGMA journal_mode'));
  // The mode belongs to the file, for all connections. A database in memory has none.
  if (row['journal_mode'] !== 'wal' && row['journal_mode'] !== 'memory') database.exec('PRAGMA journal_mode = WAL');
}

function ensureTable(database: ExecutingDatabase, names: Names): void {
  const columns = rowsOf(database.prepare('SELECT name, pk FROM pragma_table_info(?)'), names.name);
  if (columns.length > 0) checkColumns(names.name, columns);
  else createTables(database, names);
}

/** Creates the table in a transaction, so that no process finds it without its indexes. */
function createTables(database: ExecutingDatabase, names: Names): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    for (const statement of tableStatements(names)) database.exec(statement);
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}

function checkColumns(table: string, columns: readonly { readonly [column: string]: unknown }[]): void {
  const present = columns.map((column) => column['name']);
  const keyed = columns.some((column) => column['name'] === 'id' && Number(column['pk']) === 1);
  if (keyed && COLUMNS.every((column) => present.includes(column))) return;
  throw new SessionError(
    'INVALID_OPTION',
    `table ${table} exists with other columns (${present.join(', ')}) than the session store needs (${COLUMNS.join(', ')}, with id as its primary key): set the option table to another name`,
  );
}

function blocking(step: () => void): void {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (const giveUpAt = performance.now() + PATIENCE; ; ) {
    try {
      step();
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() >= giveUpAt) throw error;
    }
    Atomics.wait(sleeper, 0, 0, 5 + 20 * Math.random());
  }
}
