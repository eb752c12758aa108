import { SessionError } from '../../core/error.js';
import { type Runner, sqlState } from './client.js';
import { type Names, namesOf, type TableOptions } from './names.js';

/**
 * The SQL that makes the table and its indexes, for migration tools: statements that do nothing where the thing exists.
 *
 * @throws `INVALID_OPTION`
 */
export function createTablesSql(options: TableOptions = {}): string {
  const names = namesOf(options);
  const schema = names.schema ? `${schemaSql(names.schema)};\n` : '';
  return `${schema}${tableSql(names)};\n${ownerIndexSql(names)};\n${expiryIndexSql(names)};\n`;
}

function schemaSql(schema: string): string {
  return `CREATE SCHEMA IF NOT EXISTS ${schema}`;
}

// Room is left on the pages for new versions of a row: an update that finds it there touches no index.
function tableSql({ table }: Names): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
  id uuid PRIMARY KEY,
  version text NOT NULL,
  owner_id text,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  body text NOT NULL
) WITH (fillfactor = 80)`;
}

// A hash index, since an owner may be longer than an entry of a B-tree can be.
function ownerIndexSql({ table, ownerIndex }: Names): string {
  return `CREATE INDEX IF NOT EXISTS ${ownerIndex} ON ${table} USING hash (owner_id)`;
}

function expiryIndexSql({ table, expiryIndex }: Names): string {
  return `CREATE INDEX IF NOT EXISTS ${expiryIndex} ON ${table} (expires_at)`;
}

const INSPECT = `SELECT current_setting('server_version_num') AS server, current_setting('server_encoding') AS encoding,
  to_regnamespace($1) IS NOT NULL AS has_schema, to_regclass($3) IS NOT NULL AS has_owner_index, to_regclass($4) IS NOT NULL AS has_expiry_index,
  (SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = to_regclass($2) AND attnum > 0 AND NOT attisdropped) AS columns`;

/** Makes what is missing. Nothing is locked where all is there, so that every process may call it when it starts. */
export async function createTables(runner: Runner, names: Names): Promise<void> {
  const params = [names.schema ?? null, names.table, names.qualified.ownerIndex, names.qualified.expiryIndex];
  const [found = {}] = await runner.run(INSPECT, params);
  checkServer(Number(found['server']), found['encoding']);
  const columns = found['columns'];
  if (typeof columns === 'string') checkColumns(names.table, columns);
  if (names.schema && found['has_schema'] !== true) await create(runner, schemaSql(names.schema));
  if (typeof columns !== 'string') await create(runner, tableSql(names));
  if (found['has_owner_index'] !== true) await create(runner, ownerIndexSql(names));
  if (found['has_expiry_index'] !== true) await create(runner, expiryIndexSql(names));
}

function checkServer(version: number, encoding: unknown): void {
  if (version < 120_000) {
    throw new SessionError(
      'INVALID_OPTION',
      `the session store needs PostgreSQL 12 or later, and this server's version number is ${version}`,
    );
  }
  if (encoding !== 'UTF8') {
    throw new SessionError(
      'INVALID_OPTION',
      `the session store needs a database with the encoding UTF8, and this one has ${String(encoding)}`,
    );
  }
}

const EXPECTED = ['id uuid', 'version text', 'owner_id text', 'created_at bigint', 'expires_at bigint', 'body text'];

function checkColumns(table: string, columns: string): void {
  const present = columns.split(', ');
  if (EXPECTED.every((column) => present.includes(column))) return;
  throw new SessionError(
    'INVALID_OPTION',
    `table ${table} exists with other columns (${columns}) than the session store needs (${EXPECTED.join(', ')}): name another one in the option table`,
  );
}

/** What the server says when another process has made the same thing at the same time, despite IF NOT EXISTS. */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710'];

async function create(runner: Runner, statement: string): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await runner.run(statement);
      return;
    } catch (error) {
      if (!MADE_MEANWHILE.includes(sqlState(error)) || tries === 5) throw error;
    }
  }
}
