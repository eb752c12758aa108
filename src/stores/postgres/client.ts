import { SessionError } from '../../core/error.js';
import { COLUMNS, type Row } from '../shared/sql-record.js';

/** What the store needs of a client: a `Pool` or `Client` of pg, PGlite, Neon's, and whatever else has this method. */
export interface PostgresClient {
  query(text: string, params?: (string | null)[]): PromiseLike<unknown>;
}

/** Runs statements on the caller's client. */
export interface Runner {
  /** One statement with parameters. */
  run(text: string, params?: (string | null)[]): Promise<readonly Row[]>;
  /** Several statements without parameters, in one message and one transaction. The rows of the last one. */
  runScript(text: string): Promise<readonly Row[]>;
}

/** What emits events, as pg's connections do. */
export interface Emitter {
  on(event: string, handler: (value: unknown) => void): unknown;
  removeListener(event: string, handler: (value: unknown) => void): unknown;
}

/** A connection that a pool has handed out. */
export interface PooledConnection extends PostgresClient, Emitter {
  /** Gives the connection back; `true` has it closed. */
  release(close: boolean): void;
}

export interface Pool {
  connect(): Promise<PooledConnection>;
}

/** PGlite: PostgreSQL in the process. */
export interface PGlite {
  exec(text: string): PromiseLike<unknown>;
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>;
}

export function isPool(client: object): client is Pool {
  return hasMethods(client, 'connect') && typeof Reflect.get(client, 'totalCount') === 'number';
}

/** A single connection of pg, which emits events and takes one statement at a time. */
export function isConnection(client: object): client is Emitter {
  return hasMethods(client, 'on', 'removeListener') && !isPool(client);
}

export function isPGlite(client: object): client is PGlite {
  return hasMethods(client, 'exec', 'listen');
}

function hasMethods(client: object, ...names: string[]): boolean {
  return names.every((name) => typeof Reflect.get(client, name) === 'function');
}

/** @throws `INVALID_OPTION` naming `option`, unless it has `query(text, params)` */
export function checkClient(client: unknown, option: string): asserts client is PostgresClient {
  const shaped = (typeof client === 'object' || typeof client === 'function') && client !== null && hasMethods(client, 'query');
  if (!shaped)
    throw new SessionError('INVALID_OPTION', `${option} has to have query(text, params): a Pool or Client of pg, PGlite or the like`);
}

/** Tries of a statement that the server has undone because of another one. */
const MAX_TRIES = 10;

export function runnerOf(client: PostgresClient, table: string): Runner {
  // pg wants the statements of one connection to come one after the other.
  const inTurn = isConnection(client) ? turns() : <Result>(task: () => Promise<Result>) => task();
  async function attempt(query: () => PromiseLike<unknown>): Promise<readonly Row[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return rowsOf(await inTurn(async () => query()));
      } catch (error) {
        if (!isUndone(error) || tries === MAX_TRIES) throw explain(error, client, table);
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 ** tries));
    }
  }
  return {
    run: (text, params = []) => attempt(() => client.query(text, params)),
    runScript: (text) => attempt(() => sendScript(client, text)).catch(rejectScript),
  };
}

/** Several statements at once: PGlite has a method of its own for it; the others take them where there are no parameters. */
function sendScript(client: PostgresClient, text: string): PromiseLike<unknown> {
  return isPGlite(client) ? client.exec(text) : client.query(text);
}

/** A client that sends every statement as one with parameters cannot send several: to the server that is a syntax error. */
function rejectScript(cause: unknown): never {
  if (sqlState(cause) !== '42601') throw cause;
  const message = 'maxPerOwner needs a client that can send several statements in one query, such as a Pool or Client of pg';
  throw new SessionError('NOT_SUPPORTED', message, { cause });
}

function turns(): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const turn = last.then(task, task);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** The rows of an answer: pg and PGlite give `{ rows }`, a list of these for several statements; Neon's HTTP client gives the rows. */
function rowsOf(answer: unknown): readonly Row[] {
  const last: unknown = Array.isArray(answer) && hasRows(answer.at(-1)) ? answer.at(-1) : answer;
  if (hasRows(last)) return last.rows;
  if (Array.isArray(last)) return last;
  throw new SessionError('INVALID_OPTION', 'the client answered a query with something else than { rows }: the store cannot use it');
}

function hasRows(answer: unknown): answer is { readonly rows: readonly Row[] } {
  return typeof answer === 'object' && answer !== null && 'rows' in answer && Array.isArray(answer.rows);
}

/** The code of an error of the server, five characters by the SQL standard. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Serialisation failures (where the default isolation is stricter than usual) and deadlocks: nothing of it has happened. */
function isUndone(error: unknown): boolean {
  return ['40001', '40P01'].includes(sqlState(error));
}

/** Missing columns, other types, no unique id, a NOT NULL column that the store does not know. */
const OTHER_COLUMNS = ['42703', '42804', '42883', '42846', '42P10', '23502'];

/** Says what to do about the errors that are the set-up's. All others are the server's or the network's, and speak for themselves. */
function explain(cause: unknown, client: PostgresClient, table: string): unknown {
  const state = sqlState(cause);
  if (isClosed(client)) return unusable('the PostgreSQL client that the session store was given has been closed', cause);
  if (state === '42P01')
    return unusable(`there is no table ${table}: call createTables() once, or run createTablesSql() as a migration`, cause);
  if (OTHER_COLUMNS.includes(state)) {
    return unusable(
      `table ${table} is not one of this store: it needs the columns ${COLUMNS.join(', ')} as createTablesSql() has them`,
      cause,
    );
  }
  return cause;
}

function unusable(message: string, cause: unknown): SessionError {
  return new SessionError('STORE_UNAVAILABLE', message, { cause });
}

/** What pools, connections and PGlite call it; the message of what they throw then differs from version to version. */
function isClosed(client: object): boolean {
  return ['ending', 'ended', 'closed', '_ending', '_ended'].some((flag) => Reflect.get(client, flag) === true);
}
