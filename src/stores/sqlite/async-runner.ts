import { hasMethods } from '../shared/kinds.js';
import type { Row } from '../shared/sql-record.js';
import { isBusy } from './executor.js';
import { pause } from './retry-queue.js';
import { type Names, tableStatements } from './table.js';
import type { SqliteRunner, SqliteValue } from './verbs.js';

/** A client of `@libsql/client`, for Turso and for files. */
export interface LibsqlClient {
  /** Runs one statement. */
  execute(statement: {
    readonly sql: string;
    readonly args: SqliteValue[];
  }): Promise<{ readonly rows: readonly object[] }>;
}

/** A database of Cloudflare D1. */
export interface D1 {
  /** Prepares a statement. */
  prepare(sql: string): {
    bind(...values: SqliteValue[]): { all(): Promise<{ readonly results: readonly object[] }> };
  };
}

/** An asynchronous driver's database. */
export type AsyncSqlite = LibsqlClient | D1;

/** Runs one statement, which is a transaction. Returns its rows. */
export type Execute = (sql: string, params: SqliteValue[]) => Promise<readonly object[]>;

/** Returns a function that runs statements on an asynchronous database; otherwise `undefined`. */
export function asyncExecute(database: unknown): Execute | undefined {
  if (typeof database !== 'object' || database === null) return undefined;
  if (isLibsql(database)) return async (sql, args) => (await database.execute({ sql, args })).rows;
  if (isD1(database))
    return async (sql, params) =>
      (
        await database
          .prepare(sql)
          .bind(...params)
          .all()
      ).results;
  return undefined;
}

function isLibsql(database: object): database is LibsqlClient {
  return hasMethods(database, 'execute', 'batch');
}

function isD1(database: object): database is D1 {
  return hasMethods(database, 'prepare', 'batch') && !hasMethods(database, 'pragma');
}

/**
 * Runs statements on an asynchronous database, which may be far away. It creates the table when a
 * statement fails without it.
 */
export class AsyncRunner implements SqliteRunner {
  readonly #execute: Execute;
  readonly #names: Names;
  readonly #patience: number;

  constructor(execute: Execute, names: Names, patience: number) {
    this.#execute = execute;
    this.#names = names;
    this.#patience = patience;
  }

  read(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]> {
    return this.#run(sql, params);
  }

  write(sql: string, ...params: SqliteValue[]): Promise<readonly Row[]> {
    return this.#run(sql, params);
  }

  async #run(sql: string, params: SqliteValue[]): Promise<readonly Row[]> {
    try {
      return await this.#patiently(sql, params);
    } catch (error) {
      if (!isMissingTable(error)) throw error;
    }
    // Each caller makes it for itself: on Cloudflare Workers a request must not wait for another.
    await this.#createTable();
    return this.#patiently(sql, params);
  }

  async #patiently(sql: string, params: SqliteValue[]): Promise<readonly Row[]> {
    const giveUpAt = performance.now() + this.#patience;
    for (;;) {
      try {
        return (await this.#execute(sql, params)).map(asRow);
      } catch (error) {
        if (!isBusy(error) || performance.now() >= giveUpAt) throw error;
      }
      await pause(Math.random() * 10);
    }
  }

  async #createTable(): Promise<void> {
    for (const statement of tableStatements(this.#names)) await this.#patiently(statement, []);
  }
}

/** A row with its columns as own properties. Rows of some drivers have other members. */
function asRow(row: object): Row {
  return Object.fromEntries(Object.entries(row));
}

function isMissingTable(error: unknown): boolean {
  return error instanceof Error && error.message.includes('no such table');
}
