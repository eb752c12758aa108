import { SessionError } from '../../core/error.js';
import { hasMethods, wrongKind } from '../shared/kinds.js';

/**
 * The part of a client that the store uses. Clients that fit: a `Pool` or `Client` of pg, PGlite,
 * Neon's, and any other with this method.
 */
export interface PostgresClient {
  /** Runs one statement, and resolves to `{ rows }` or to the rows. */
  query(text: string, params?: (string | null)[]): PromiseLike<unknown>;
}

/**
 * A client of pg: a pool or a connection. It supports named statements, which the server prepares
 * once for each connection.
 */
export interface PgClient {
  query(statement: {
    readonly name?: string;
    readonly text: string;
    readonly values: (string | null)[];
  }): PromiseLike<unknown>;
}

/** An object that emits events, such as a connection of pg. */
export interface Emitter {
  on(event: string, handler: (value: unknown) => void): unknown;
  removeListener(event: string, handler: (value: unknown) => void): unknown;
}

/** A connection of pg that is not connected yet. */
export interface Connectable extends PostgresClient, Emitter {
  connect(): Promise<unknown>;
  end(): Promise<unknown>;
}

/** A pool of pg, which has the class and the settings of its connections. */
export interface Pool {
  readonly Client: new (options: object) => Connectable;
  readonly options: object;
}

/** PGlite: PostgreSQL in the process. */
export interface PGlite {
  listen(channel: string, callback: (payload: string) => void): Promise<() => Promise<void>>;
}

export function isPool(client: object): client is Pool {
  return (
    isAnyPool(client) &&
    typeof Reflect.get(client, 'Client') === 'function' &&
    typeof Reflect.get(client, 'options') === 'object'
  );
}

function isAnyPool(client: object): boolean {
  return hasMethods(client, 'connect') && typeof Reflect.get(client, 'totalCount') === 'number';
}

/** A single connection of pg. It emits events and takes one statement at a time. */
export function isConnection(client: object): client is Emitter {
  return hasMethods(client, 'on', 'removeListener') && !isAnyPool(client);
}

/** A pool or connection of pg. */
export function isPg(client: object): client is PgClient {
  return isPool(client) || (isConnection(client) && typeof Reflect.get(client, 'connectionParameters') === 'object');
}

export function isPGlite(client: object): client is PGlite {
  return hasMethods(client, 'exec', 'listen');
}

/**
 * @throws `INVALID_OPTION` naming `option`, unless it has `query(text, params)` and is not known
 *   as the client of another database
 */
export function checkClient(client: unknown, option: string): asserts client is PostgresClient {
  const kind = wrongKind(client, 'PostgreSQL');
  if (kind !== undefined) throw new SessionError('INVALID_OPTION', `${option} is ${kind}`);
  const shaped =
    (typeof client === 'object' || typeof client === 'function') && client !== null && hasMethods(client, 'query');
  if (!shaped)
    throw new SessionError(
      'INVALID_OPTION',
      `${option} must have query(text, params): a Pool or Client of pg, PGlite or the like`,
    );
}
