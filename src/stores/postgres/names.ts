import { createHash } from 'node:crypto';
import { quoteName } from '../shared/sql-names.js';

/** Where the sessions are kept. */
export interface TableOptions {
  /** The table's name, of at most 48 bytes; quoted, so that case counts. Default `'token_sessions'`. */
  readonly table?: string | undefined;
  /** The table's schema, quoted as well. Default: the connection's `search_path` decides. */
  readonly schema?: string | undefined;
}

/** The names that the statements use, quoted where they are identifiers. */
export interface Names {
  readonly table: string;
  readonly schema: string | undefined;
  readonly ownerIndex: string;
  readonly expiryIndex: string;
  /** The same, with the schema: for looking them up. */
  readonly qualified: { readonly ownerIndex: string; readonly expiryIndex: string };
  /**
   * Where ended sessions are told. From the table's name alone, so that processes hear each other however each names the schema;
   * a plain lower-case name, which every client quotes alike.
   */
  readonly channel: string;
}

/** @throws `INVALID_OPTION` */
export function namesOf(options: TableOptions): Names {
  const name = options.table ?? 'token_sessions';
  const table = quoteName(name, 'table');
  const schema = options.schema === undefined ? undefined : quoteName(options.schema, 'schema');
  const inSchema = (quoted: string) => (schema ? `${schema}.${quoted}` : quoted);
  const ownerIndex = quoteIndex(name, 'owner');
  const expiryIndex = quoteIndex(name, 'expires_at');
  return {
    table: inSchema(table),
    schema,
    ownerIndex,
    expiryIndex,
    qualified: { ownerIndex: inSchema(ownerIndex), expiryIndex: inSchema(expiryIndex) },
    channel: channelOf(name),
  };
}

function quoteIndex(table: string, column: string): string {
  return `"${table.replaceAll('"', '""')}_${column}"`;
}

function channelOf(table: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(table)) return `${table}_ended`;
  return `token_sessions_${createHash('sha256').update(table).digest('hex').slice(0, 16)}_ended`;
}
