import { isSessionError, SessionError } from '../../core/error.js';
import { hasMethods } from '../shared/kinds.js';
import type { Row } from '../shared/sql-record.js';
import { RetryQueue } from './retry-queue.js';
import type { SqliteRunner, SqliteValue } from './verbs.js';

/** A prepared statement that returns rows. */
export interface SqliteStatement {
  /**
   * The parameters are {@link SqliteValue}s. Declared as `unknown`, because the drivers have
   * different types for parameters, and in TypeScript 5 no narrower type fits all.
   */
  all(...params: unknown[]): unknown;
}

/**
 * The database of a synchronous driver: better-sqlite3, libsql, `node:sqlite`, `bun:sqlite`, or an
 * object that passes their `prepare` on.
 */
export interface SqliteDatabase {
  /** Prepares a statement. */
  prepare(sql: string): SqliteStatement;
  /**
   * Runs a statement that answers nothing.
   *
   * @default it is prepared and run
   */
  exec?(sql: string): unknown;
}

/** A database that surely has `exec`. */
export type ExecutingDatabase = Required<SqliteDatabase>;

export function isSyncDatabase(database: unknown): database is SqliteDatabase {
  return typeof database === 'object' && database !== null && hasMethods(database, 'prepare');
}

/** The database with `exec`, which an application's own object may lack. */
export function withExec(database: SqliteDatabase): ExecutingDatabase {
  if (canExecute(database)) return database;
  return {
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => runWithoutRows(database.prepare(sql)),
  };
}

function canExecute(database: SqliteDatabase): database is ExecutingDatabase {
  return hasMethods(database, 'exec');
}

/** Some drivers allow only `run` where a statement has no rows, and only `all` where it has. */
function runWithoutRows(statement: SqliteStatement & { readonly reader?: unknown; run?(): unknown }): void {
  if (statement.reader === true || !statement.run) statement.all();
  else statement.run();
}

/** Runs statements on the caller's connection. It waits for other processes without blocking. */
export class Executor implements SqliteRunner {
  readonly #database: ExecutingDatabase;
  /** How long the driver itself would block the process for another one's lock, in ms. */
  readonly #driverTimeout: number;
  readonly #reads: RetryQueue;
  readonly #writes: RetryQueue;
  readonly #prepared = new Map<string, SqliteStatement>();

  /** @param patience how long to wait for another process, in ms */
  constructor(database: ExecutingDatabase, patience: number) {
    this.#database = database;
    const [row = {}] = rowsOf(database.prepare('PRAGMA busy_timeout'));
    this.#driverTimeout = Number(row['timeout']) || 0;
    const errors = { isBusy, explain: (error: unknown) => explain(error, database) };
    this.#reads = new RetryQueue(patience, errors);
    this.#writes = new RetryQueue(patience, errors);
  }

  /**
   * Reads. With write-ahead logging, readers wait only while a process repairs the file after
   * another process has crashed.
   */
  read(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]> {
    return this.#reads.run(() => {
      this.#assertOpen();
      return rowsOf(this.#prepare(sql), ...params);
    });
  }

  /**
   * Runs a statement in a transaction that takes the write lock first. So a busy database shows
   * before anything has happened. (In libsql, a single statement on a busy database stays open.
   * Then later writes are not committed.)
   */
  write(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]> {
    return this.#writes.run(() => {
      this.#assertOpen();
      return this.#withoutBlocking(() => this.#transaction(() => rowsOf(this.#prepare(sql), ...params)));
    });
  }

  #prepare(sql: string): SqliteStatement {
    const statement = this.#prepared.get(sql) ?? this.#database.prepare(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /**
   * Runs `work` without the driver's own wait, which would block the process. That wait is the
   * caller's setting, so it is restored.
   */
  #withoutBlocking<Result>(work: () => Result): Result {
    if (this.#driverTimeout === 0) return work();
    this.#database.exec('PRAGMA busy_timeout = 0');
    try {
      return work();
    } finally {
      this.#database.exec(`PRAGMA busy_timeout = ${this.#driverTimeout}`);
    }
  }

  #transaction<Result>(work: () => Result): Result {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // After some errors, SQLite has already rolled back.
    }
  }

  /** Some drivers still run prepared statements on a connection that is closed. */
  #assertOpen(): void {
    if (flag(this.#database, 'open') !== false && flag(this.#database, 'isOpen') !== false) return;
    throw new SessionError('STORE_UNAVAILABLE', 'the SQLite database of the session store has been closed');
  }
}

/**
 * The rows of a statement.
 *
 * @throws `INVALID_OPTION` if the driver returns something else, such as a promise
 */
export function rowsOf(statement: SqliteStatement, ...params: SqliteValue[]): readonly Row[] {
  const rows: unknown = typeof statement?.all === 'function' ? statement.all(...params) : undefined;
  if (Array.isArray(rows)) return rows;
  throw new SessionError(
    'INVALID_OPTION',
    'database must be that of a synchronous driver, such as better-sqlite3, libsql, node:sqlite or bun:sqlite, or of @libsql/client or D1',
  );
}

const BUSY = 5;
const LOCKED = 6;

/**
 * Whether another connection holds a lock. Drivers give SQLite's code as text or as a number,
 * under several names.
 */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)) return true;
  const number: unknown = Reflect.get(error, 'errcode');
  // The lower byte is the code. The other bytes add details.
  return typeof number === 'number' && [BUSY, LOCKED].includes(number & 0xff);
}

/** Adds the remedy to an error of the set-up. Other errors pass through. */
function explain(cause: unknown, database: SqliteDatabase): unknown {
  // A closed database must not be asked anything more, because libsql would end the process.
  if (isSessionError(cause)) return cause;
  if (flag(database, 'inTransaction') === true || flag(database, 'isTransaction') === true) {
    const message =
      'the database connection is in a transaction of the application: give the session store a connection of its own';
    return new SessionError('STORE_UNAVAILABLE', message, { cause });
  }
  return cause;
}

function flag(database: object, name: string): unknown {
  try {
    return Reflect.get(database, name);
  } catch {
    // Some versions of `node:sqlite` throw here if the database is closed.
    return undefined;
  }
}
