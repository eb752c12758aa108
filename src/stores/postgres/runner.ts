import { createHash } from 'node:crypto';
import { SessionError } from '../../core/error.js';
import { COLUMNS, type Row } from '../shared/sql-record.js';
import type { Warnings } from '../shared/warnings.js';
import { isConnection, isPg, type PgClient, type PostgresClient } from './client.js';

/** A statement with a unique name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export function statement(verb: string, text: string): Statement {
  return { name: `token_sessions_${verb}_${createHash('sha256').update(text).digest('hex').slice(0, 16)}`, text };
}

export type Params = (string | null)[];

type Query = () => PromiseLike<unknown>;

/** How often a statement is tried that the server has undone because of another one. */
const MAX_TRIES = 10;

/** Runs statements on the caller's client. Each statement is a transaction. */
export class Runner {
  readonly #client: PostgresClient;
  readonly #warnings: Warnings;
  readonly #inTurn: (task: Query) => PromiseLike<unknown>;
  /** The client, if it prepares statements. */
  #preparing: PgClient | undefined;
  /** Whether the server has refused a write because it is no primary. */
  #isReadOnly = false;

  constructor(client: PostgresClient, prepare: boolean, warnings: Warnings) {
    this.#client = client;
    this.#warnings = warnings;
    this.#preparing = prepare && isPg(client) ? client : undefined;
    // A connection of pg expects its statements one after the other.
    this.#inTurn = isConnection(client) ? turns() : (task) => task();
  }

  /** Runs a frequent statement. The server prepares it if the client supports named statements. */
  run(given: Statement, params: Params = []): Promise<readonly Row[]> {
    const send = () => this.#attempt(() => this.#send(given, params));
    return this.#isReadOnly ? this.#assertWritable().then(send) : send();
  }

  /** Runs an infrequent statement. */
  runOnce(text: string, params: Params = []): Promise<readonly Row[]> {
    return this.#attempt(() => this.#client.query(text, params));
  }

  #send({ name, text }: Statement, values: Params): PromiseLike<unknown> {
    return this.#preparing ? this.#preparing.query({ name, text, values }) : this.#client.query(text, values);
  }

  async #attempt(query: Query): Promise<readonly Row[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return rowsOf(await this.#inTurn(query));
      } catch (error) {
        if (sqlState(error) === READ_ONLY) this.#isReadOnly = true;
        if (this.#preparing && isUnprepared(error)) this.#stopPreparing();
        else if (!isUndone(error) || tries === MAX_TRIES) throw explain(error, this.#client);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** tries));
    }
  }

  /**
   * A standby may give old answers, even to reads: it may not know what the primary has ended
   * since. So no answer counts until the server accepts writes again, or another server answers.
   */
  async #assertWritable(): Promise<void> {
    const [row] = await this.runOnce(`SELECT current_setting('transaction_read_only') AS setting`);
    if (row?.['setting'] !== 'off') throw readOnly();
    this.#isReadOnly = false;
  }

  /**
   * Stops using prepared statements. A pooler that assigns connections by transaction may send a
   * statement to a connection that does not know its name.
   */
  #stopPreparing(): void {
    this.#preparing = undefined;
    this.#warnings.report(
      'PostgreSQL does not know a statement that was prepared before. This happens behind a pooler that assigns connections by transaction. ' +
        'The session store continues without prepared statements. Set prepare: false, or use PgBouncer 1.21 or later with max_prepared_statements.',
    );
  }
}

function turns(): (task: Query) => PromiseLike<unknown> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(task, task);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** The rows of an answer. Most clients return `{ rows }`, some the rows themselves. */
function rowsOf(answer: unknown): readonly Row[] {
  if (Array.isArray(answer)) return answer;
  if (typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows))
    return answer.rows;
  throw new SessionError(
    'INVALID_OPTION',
    'the client returned neither { rows } nor rows for a query: the store cannot use it',
  );
}

/**
 * The code of a server error: five characters, by the SQL standard. Clients that wrap the error
 * have the code in the cause, or under another name.
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
 * Whether the server has undone the statement: after a deadlock, or after a serialisation failure,
 * which a stricter default isolation can cause.
 */
function isUndone(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error));
}

/** Whether the prepared statement is missing, or its name is taken. Then nothing has run. */
function isUnprepared(error: unknown): boolean {
  return ['26000', '42P05'].includes(sqlState(error));
}

/** The server is a standby, or takes no writes for another reason. */
const READ_ONLY = '25006';

/** Missing columns, other types, no unique id, or an unknown column that is NOT NULL. */
const OTHER_COLUMNS = ['42703', '42804', '42883', '42846', '42P10', '23502'];

/**
 * Adds the remedy to errors of the set-up. Other errors come from the server or the network and
 * pass through.
 */
function explain(cause: unknown, client: PostgresClient): unknown {
  const state = sqlState(cause);
  if (isClosed(client)) return unusable('the PostgreSQL client of the session store has been closed', cause);
  if (state === READ_ONLY) return readOnly(cause);
  if (state === '42P01') {
    return unusable(
      'the table of the session store is missing: call createTables() once, or run createTablesSql() as a migration',
      cause,
    );
  }
  if (OTHER_COLUMNS.includes(state)) {
    return unusable(
      `the table does not fit this version of the session store, which needs the columns ${COLUMNS.join(', ')} and sweep_at: ` +
        'call createTables() once, or run createTablesSql() as a migration',
      cause,
    );
  }
  return cause;
}

function readOnly(cause?: unknown): SessionError {
  return unusable(
    'the PostgreSQL server refuses writes because it is a standby or read-only: the client must connect to the primary',
    cause,
  );
}

function unusable(message: string, cause?: unknown): SessionError {
  return new SessionError('STORE_UNAVAILABLE', message, { cause });
}

/**
 * Whether the client is closed. Pools, connections and PGlite have different flags for it. The
 * messages of their errors differ between versions.
 */
function isClosed(client: object): boolean {
  return ['ending', 'ended', 'closed', '_ending', '_ended'].some((flag) => Reflect.get(client, flag) === true);
}
