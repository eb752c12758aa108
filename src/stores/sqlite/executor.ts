import { isSessionError, SessionError } from '../../core/error.js';
import { hasMethods } from '../shared/kinds.js';
import type { Row } from '../shared/sql-record.js';
import { RetryQueue } from './retry-queue.js';
import type { SqliteRunner, SqliteValue } from './verbs.js';

/** A prepared statement that answers rows. */
export interface SqliteStatement {
  /**
   * Given {@link SqliteValue}s; `unknown`, since the drivers' own types of parameters differ, and
   * TypeScript 5 finds no narrower one that fits all.
   */
  all(...params: unknown[]): unknown;
}

/**
 * A synchronous driver's database: better-sqlite3, libsql, `node:sqlite`, `bun:sqlite` or another
 * one with these methods.
 */
export interface SqliteDatabase {
  /** Prepares a statement. */
  prepare(sql: string): SqliteStatement;
  /** Runs statements that answer nothing. */
  exec(sql: string): unknown;
}

export function isSyncDatabase(database: unknown): database is SqliteDatabase {
  return typeof database === 'object' && database !== null && hasMethods(database, 'prepare', 'exec');
}

/**
 * Runs statements on the caller's connection, and waits for other processes without blocking this
 * one.
 */
export class Executor implements SqliteRunner {
  readonly #database: SqliteDatabase;
  /** How long the driver would block the process for another one's lock, in ms. */
  readonly #driverTimeout: number;
  readonly #reads: RetryQueue;
  readonly #writes: RetryQueue;
  readonly #prepared = new Map<string, SqliteStatement>();

  /** @param patience how long to wait for another process, in ms */
  constructor(database: SqliteDatabase, patience: number) {
    this.#database = database;
    const [row = {}] = rowsOf(database.prepare('PRAGMA busy_timeout'));
    this.#driverTimeout = Number(row['timeout']) || 0;
    const errors = { isBusy, explain: (error: unknown) => explain(error, database) };
    this.#reads = new RetryQueue(patience, errors);
    this.#writes = new RetryQueue(patience, errors);
  }

  /**
   * With write-ahead logging readers wait only for a process that is just mending the file
   * after another one has crashed.
   */
  read(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]> {
    return this.#reads.run(() => {
      this.#assertOpen();
      return rowsOf(this.#prepare(sql), ...params);
    });
  }

  /**
   * Runs a statement in a transaction that holds the write lock from its beginning: a database
   * that is busy is found before anything has happened. (A single statement that finds it busy
   * stays open in libsql, and keeps what is written after it from being committed.)
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
   * Without the driver's own wait, which would block the process; it is the caller's setting and
   * is put back.
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
      // SQLite has done it on its own, as it does after some errors.
    }
  }

  /**
   * Statements that were prepared before go on in some drivers, on a connection that is closed for
   * all others.
   */
  #assertOpen(): void {
    if (flag(this.#database, 'open') !== false && flag(this.#database, 'isOpen') !== false) return;
    throw new SessionError('STORE_UNAVAILABLE', 'the SQLite database that the session store was given has been closed');
  }
}

/**
 * The rows of a statement. @throws `INVALID_OPTION` for a driver that answers otherwise, such as
 * an asynchronous one
 */
export function rowsOf(statement: SqliteStatement, ...params: SqliteValue[]): readonly Row[] {
  const rows: unknown = typeof statement?.all === 'function' ? statement.all(...params) : undefined;
  if (Array.isArray(rows)) return rows;
  throw new SessionError(
    'INVALID_OPTION',
    'database has to be that of a synchronous driver, such as better-sqlite3, libsql, node:sqlite or bun:sqlite',
  );
}

const BUSY = 5;
const LOCKED = 6;

/**
 * Whether another connection holds a lock. Drivers tell SQLite's code as text or number, under
 * several names.
 */
export function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^SQLITE_(BUSY|LOCKED)/.test(code)) return true;
  const number: unknown = Reflect.get(error, 'errcode');
  // The lower byte is the code, the others tell more about it.
  return typeof number === 'number' && [BUSY, LOCKED].includes(number & 0xff);
}

/** Says what to do about the error that is the set-up's; the others speak for themselves. */
function explain(cause: unknown, database: SqliteDatabase): unknown {
  // Of a database that is closed nothing more may be asked: libsql ends the process.
  if (isSessionError(cause)) return cause;
  if (flag(database, 'inTransaction') === true || flag(database, 'isTransaction') === true) {
    const message = 'the database connection is in a transaction of the application: give the session store a connection of its own';
    return new SessionError('STORE_UNAVAILABLE', message, { cause });
  }
  return cause;
}

function flag(database: object, name: string): unknown {
  try {
    return Reflect.get(database, name);
  } catch {
    // Some versions of `node:sqlite` say nothing of a database that is closed.
    return undefined;
  }
}
