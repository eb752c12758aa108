import { createHash } from 'node:crypto';
import { quoteName } from '../shared/sql-names.js';

/** Where the sessions are kept. */
export interface TableOptions {
  /**
   * The table's name, of at most 48 bytes; quoted, so that case counts.
   *
   * @default 'token_sessions'
   */
  readonly table?: string | undefined;
  /**
   * The table's schema, quoted as well.
   *
   * @default the first schema of the connection's `search_path`
   */
  readonly schema?: string | undefined;
}

/** The names in the statements, quoted, and with the schema if it is known. */
export interface Names {
  /** The schema, in quotes. */
  readonly schema: string | undefined;
  readonly table: string;
  /** Without the schema: PostgreSQL creates an index in the schema of its table. */
  readonly ownerIndex: string;
  readonly sweepIndex: string;
  /** An index of version 0.1.0. Each touch had to change it. */
  readonly expiryIndex: string;
  /**
   * The channel of ended sessions. It depends only on the table's name, so that processes receive
   * each other's notifications even if they name the schema differently.
   */
  readonly channel: string;
}

/** @throws `INVALID_OPTION` */
export function namesOf(options: TableOptions): Names {
  const name = options.table ?? 'token_sessions';
  const table = quoteName(name, 'table');
  const schema = options.schema === undefined ? undefined : quoteName(options.schema, 'schema');
  const index = (column: string) => `"${name.replaceAll('"', '""')}_${column}"`;
  const indexes = { ownerIndex: index('owner'), sweepIndex: index('sweep_at'), expiryIndex: index('expires_at') };
  return { schema, table: within(schema, table), ...indexes, channel: channelOf(name) };
}

/** The same names in a schema, which is given in quotes. */
export function namesIn(schema: string, options: TableOptions): Names {
  const names = namesOf({ ...options, schema: undefined });
  return { ...names, schema, table: within(schema, names.table) };
}

export function within(schema: string | undefined, name: string): string {
  return schema === undefined ? name : `${schema}.${name}`;
}

/** A plain lower-case name, because every client quotes that in the same way. */
function channelOf(table: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(table)) return `${table}_ended`;
  return `token_sessions_${createHash('sha256').update(table).digest('hex').slice(0, 16)}_ended`;
}
