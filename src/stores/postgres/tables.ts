import { SessionError } from '../../core/error.js';
import { checkOptions } from '../../core/options.js';
import { type Names, namesIn, namesOf, type TableOptions, within } from './names.js';
import { type Runner, sqlState } from './runner.js';

/**
 * The SQL that creates the table and its indexes, for migration tools. The statements do nothing
 * if the objects exist. They also update the table of an older version.
 *
 * @example
 * await writeFile('migrations/001-sessions.sql', createTablesSql({ table: 'token_sessions' }));
 *
 * @throws `INVALID_OPTION`
 */
export function createTablesSql(options: TableOptions = {}): string {
  checkOptions(options, 'createTablesSql(options)');
  const names = namesOf(options);
  const schema = names.schema ? [schemaSql(names.schema)] : [];
  const statements = [
    ...schema,
    tableSql(names),
    columnSql(names),
    ownerIndexSql(names),
    sweepIndexSql(names),
    dropExpiryIndexSql(names),
  ];
  return statements.map((each) => `${each};\n`).join('');
}

function schemaSql(schema: string): string {
  return `CREATE SCHEMA IF NOT EXISTS ${schema}`;
}

// Leaves room on the pages for new versions of a row. An update that finds room there changes no
// index.
function tableSql({ table }: Names): string {
  return `CREATE TABLE IF NOT EXISTS ${table} (
  id uuid PRIMARY KEY,
  version text NOT NULL,
  owner_id text,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  body text NOT NULL,
  sweep_at bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80)`;
}

// Rows that an older version inserts have 0, so that the next sweep looks at them.
function columnSql({ table }: Names): string {
  return `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS sweep_at bigint NOT NULL DEFAULT 0`;
}

// A hash index, because an owner may be longer than a B-tree entry allows.
function ownerIndexSql({ table, ownerIndex }: Names): string {
  return `CREATE INDEX IF NOT EXISTS ${ownerIndex} ON ${table} USING hash (owner_id)`;
}

// Not on expires_at: each touch moves it, and would have to write the index.
function sweepIndexSql({ table, sweepIndex }: Names): string {
  return `CREATE INDEX IF NOT EXISTS ${sweepIndex} ON ${table} (sweep_at)`;
}

function dropExpiryIndexSql({ schema, expiryIndex }: Names): string {
  return `DROP INDEX IF EXISTS ${within(schema, expiryIndex)}`;
}

/**
 * Looks in the schema where `CREATE TABLE` would create the table. Another schema of the search
 * path may have a table with the same name.
 */
const INSPECT = `WITH place AS (SELECT coalesce($1::text, quote_ident(current_schema())) AS schema)
SELECT current_setting('server_version_num') AS server, current_setting('server_encoding') AS encoding, schema,
  (to_regnamespace(schema) IS NOT NULL)::text AS known,
  (to_regclass(schema || '.' || $3) IS NOT NULL)::text AS owners,
  (to_regclass(schema || '.' || $4) IS NOT NULL)::text AS sweeps,
  (to_regclass(schema || '.' || $5) IS NOT NULL)::text AS expiries,
  (SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = to_regclass(schema || '.' || $2) AND attnum > 0 AND NOT attisdropped) AS columns
FROM place`;

/**
 * Creates missing objects. If all exist, nothing is locked, so every process may call it at its
 * start. Returns the names with the schema of the table.
 */
export async function createTables(runner: Runner, options: TableOptions): Promise<Names> {
  const given = namesOf(options);
  const { table } = namesOf({ ...options, schema: undefined });
  const params = [given.schema ?? null, table, given.ownerIndex, given.sweepIndex, given.expiryIndex];
  const [found = {}] = await runner.runOnce(INSPECT, params);
  checkServer(Number(found['server']), found['encoding']);
  const { schema, columns } = found;
  const names = typeof schema === 'string' ? namesIn(schema, options) : given;
  if (names.schema && found['known'] !== 'true') await create(runner, schemaSql(names.schema));
  if (typeof columns === 'string') checkColumns(names.table, columns);
  else await create(runner, tableSql(names));
  if (typeof columns === 'string' && !columns.split(', ').includes(NEWER)) await change(runner, columnSql(names));
  if (found['owners'] !== 'true') await change(runner, ownerIndexSql(names));
  if (found['sweeps'] !== 'true') await change(runner, sweepIndexSql(names));
  if (found['expiries'] === 'true') await change(runner, dropExpiryIndexSql(names));
  return names;
}

function checkServer(version: number, encoding: unknown): void {
  if (version < 120_000) {
    throw new SessionError(
      'INVALID_OPTION',
      `the session store needs PostgreSQL 12 or later, but this server's version number is ${version}`,
    );
  }
  if (encoding !== 'UTF8') {
    throw new SessionError(
      'INVALID_OPTION',
      `the session store needs a database with the encoding UTF8, but this one has ${String(encoding)}`,
    );
  }
}

const EXPECTED = ['id uuid', 'version text', 'owner_id text', 'created_at bigint', 'expires_at bigint', 'body text'];
/** Added after version 0.1.0. */
const NEWER = 'sweep_at bigint';

function checkColumns(table: string, columns: string): void {
  const present = columns.split(', ');
  if (EXPECTED.every((column) => present.includes(column))) return;
  throw new SessionError(
    'INVALID_OPTION',
    `table ${table} exists with other columns (${columns}) than the session store needs (${EXPECTED.join(', ')}): set the option table to another name`,
  );
}

/**
 * The server's errors when another process created the same object at the same time, which can
 * happen despite IF NOT EXISTS.
 */
const MADE_MEANWHILE = ['23505', '42P06', '42P07', '42710', '42701'];
/** The lock was not free within the time limit, or there was a deadlock. */
const LOCKED = ['55P03', '40P01'];

async function create(runner: Runner, sql: string): Promise<void> {
  await repeated(() => runner.runOnce(sql), MADE_MEANWHILE, 5);
}

/**
 * Changes a table that may be in use. All statements on the table queue up behind one that waits
 * for its lock. So this waits only for a moment, and tries again later.
 */
async function change(runner: Runner, sql: string): Promise<void> {
  const text = sql.replaceAll("'", "''");
  const patient = `DO 'BEGIN PERFORM set_config(''lock_timeout'', ''500ms'', true); ${text}; END'`;
  await repeated(() => runner.runOnce(patient), [...MADE_MEANWHILE, ...LOCKED], 20);
}

async function repeated(run: () => Promise<unknown>, states: readonly string[], most: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await run();
      return;
    } catch (error) {
      if (!states.includes(sqlState(error)) || tries === most) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 100));
  }
}
