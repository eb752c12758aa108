import { createHash } from 'node:crypto';
import { SessionError } from '../../core/error.js';
import { COLUMNS, type Row } from '../shared/sql-record.js';
import type { Warnings } from '../shared/warnings.js';
import { isConnection, isPg, type PostgresClient } from './client.js';

/** A statement, by a name that no other one has. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export function statement(verb: string, text: string): Statement {
  return { name: `token_sessions_${verb}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text };
}

export type Params = (string | null)[];

/** Tries of a statement that the server has undone because of another one. */
const MAX_TRIES = 10;

/** Runs statements on the caller's client, one by one: each is a transaction. */
export class Runner {
  readonly #client: PostgresClient;
  readonly #warnings: Warnings;
  readonly #inTurn: <Result>(task: () => Promise<Result>) => Promise<Result>;
  #prepares: boolean;

  constructor(client: PostgresClient, prepare: boolean, warnings: Warnings) {
    this.#client = client;
    this.#warnings = warnings;
    this.#prepares = prepare && isPg(client);
    // pg wants the statements of one connection to come one after the other.
    this.#inTurn = isConnection(client) ? turns() : (task) => task();
  }

  /**
   * The rows of a statement that is run often: prepared by the server where the client can name
   * it.
   */
  run(given: Statement, params: Params = []): Promise<readonly Row[]> {
    return this.#attempt(() => this.#send(given, params));
  }

  /** The rows of a statement that is run now and then. */
  runOnce(text: string, params: Params = []): Promise<readonly Row[]> {
    return this.#attempt(() => this.#client.query(text, params));
  }

  #send({ name, text }: Statement, values: Params): PromiseLike<unknown> {
    const client = this.#client;
    return this.#prepares && isPg(client) ? client.query({ name, text, values }) : client.query(text, values);
  }

  async #attempt(query: () => PromiseLike<unknown>): Promise<readonly Row[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return rowsOf(await this.#inTurn(async () => query()));
      } catch (error) {
        if (this.#prepares && isUnprepared(error)) this.#stopPreparing();
        else if (!isUndone(error) || tries === MAX_TRIES) throw explain(error, this.#client);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** tries));
    }
  }

  /**
   * A pooler that hands out connections by the transaction takes a statement to a connection that
   * does not know its name.
   */
  #stopPreparing(): void {
    this.#prepares = false;
    this.#warnings.report(
      'PostgreSQL does not know a statement that was prepared before, as behind a pooler that hands out connections by the transaction: ' +
        'the session store goes on without prepared statements. Set prepare: false, or use PgBouncer 1.21 or later with max_prepared_statements.',
    );
  }
}

function turns(): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(task, task);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** The rows of an answer: most clients give `{ rows }`, some the rows themselves. */
function rowsOf(answer: unknown): readonly Row[] {
  if (Array.isArray(answer)) return answer;
  if (typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows)) return answer.rows;
  throw new SessionError('INVALID_OPTION', 'the client answered a query with neither { rows } nor rows: the store cannot use it');
}

/**
 * The code of an error of the server, five characters by the SQL standard. Clients that wrap it
 * have it in the cause or under other names.
 */
export function sqlState(error: unknown): string {
  for (let each = error, depth = 0; typeof each === 'object' && each !== null && depth < 4; depth += 1) {
    for (const name of ['code', 'originalCode']) {
      const code: unknown = Reflect.get(each, name);
      if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
    }
    each = Reflect.get(each, 'cause');
  }
  return '';
}

/**
 * Serialisation failures (where the default isolation is stricter than usual) and deadlocks:
 * nothing of it has happened.
 */
function isUndone(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error));
}

/** The prepared statement is missing, or another one has its name: nothing was run. */
function isUnprepared(error: unknown): boolean {
  return ['26000', '42P05'].includes(sqlState(error));
}

/** Missing columns, other types, no unique id, a NOT NULL column that the store does not know. */
const OTHER_COLUMNS = ['42703', '42804', '42883', '42846', '42P10', '23502'];

/**
 * Says what to do about the errors that are the set-up's. All others are the server's or the
 * network's, and speak for themselves.
 */
function explain(cause: unknown, client: PostgresClient): unknown {
  const state = sqlState(cause);
  if (isClosed(client)) return unusable('the PostgreSQL client that the session store was given has been closed', cause);
  if (state === '42P01') {
    return unusable('the table of the session store is missing: call createTables() once, or run createTablesSql() as a migration', cause);
  }
  if (OTHER_COLUMNS.includes(state)) {
    return unusable(
      `the table is not one of this version of the session store, which needs the columns ${COLUMNS.join(', ')} and sweep_at: ` +
        'call createTables() once, or run createTablesSql() as a migration',
      cause,
    );
  }
  return cause;
}

function unusable(message: string, cause: unknown): SessionError {
  return new SessionError('STORE_UNAVAILABLE', message, { cause });
}

/**
 * What pools, connections and PGlite call it; the message of what they throw then differs from
 * version to version.
 */
function isClosed(client: object): boolean {
  return ['ending', 'ended', 'closed', '_ending', '_ended'].some((flag) => Reflect.get(client, flag) === true);
}
