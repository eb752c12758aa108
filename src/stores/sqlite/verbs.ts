import type { LimitedInsert, OwnerLimit, SessionRecord, SessionStore } from '../../core/store.js';
import { COLUMNS, encodeOwner, inOrderOf, type Row, readRecord, recordOf } from '../shared/sql-record.js';
import { type Executor, rowsOf, type SqliteDatabase, type SqliteStatement, type SqliteValue } from './executor.js';
import { pause } from './retry-queue.js';

/** A {@link SessionStore} with every capability but `subscribe`: SQLite tells nobody of changes, and live sessions are ended by rechecks. */
export type SqliteStore = Required<Omit<SessionStore, 'atomic' | 'subscribe'>>;

/** The verbs on a table that is there. */
export function verbsOf(database: SqliteDatabase, executor: Executor, table: string): SqliteStore {
  const statements = prepareStatements(database, table);
  // Answers no rows, and there may be many: run as it is.
  const clear = () => void database.exec(`DELETE FROM ${table}`);
  return { ...readers(executor, statements), ...writers(executor, statements, clear) };
}

/** How many records a sweep removes at once. */
const SWEEP_BATCH = 500;

/** Numbers that every driver gives alike, also those too great for it: as floating point, exact up to 2^53. `NULL` for what is no integer. */
const LIST = COLUMNS.map((column) =>
  column.endsWith('_at') ? `CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS REAL) END AS ${column}` : column,
).join(', ');

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(database: SqliteDatabase, table: string) {
  const prepare = (sql: string): SqliteStatement => database.prepare(sql);
  return {
    // A row that is there already counts as inserted when it is of the same write: updating it to what it is tells that apart.
    insert: prepare(`INSERT INTO ${table} (${COLUMNS.join(', ')}) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET version = version WHERE version = excluded.version RETURNING 1`),
    find: prepare(`SELECT ${LIST} FROM ${table} WHERE id = ?`),
    findMany: prepare(`SELECT ${LIST} FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`),
    replace: prepare(`UPDATE ${table} SET version = ?, expires_at = ?, body = ? WHERE id = ? AND version = ? RETURNING 1`),
    version: prepare(`SELECT version FROM ${table} WHERE id = ?`),
    delete: prepare(`DELETE FROM ${table} WHERE id = ? RETURNING id`),
    listByOwner: prepare(`SELECT ${LIST} FROM ${table} WHERE owner_id = ?`),
    deleteByOwner: prepare(`DELETE FROM ${table} WHERE owner_id = ? AND id IS NOT ? RETURNING id`),
    excess: prepare(`SELECT id FROM ${table} WHERE owner_id = ? AND expires_at > ? ORDER BY created_at DESC, id DESC LIMIT -1 OFFSET ?`),
    sweep: prepare(`DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${SWEEP_BATCH}) RETURNING 1`),
    count: prepare(`SELECT count(*) AS count FROM ${table}`),
  };
}

function readers(executor: Executor, statements: Statements): Pick<SqliteStore, 'find' | 'findMany' | 'listByOwner' | 'count'> {
  const read = (statement: SqliteStatement, ...params: SqliteValue[]) => executor.read(() => rowsOf(statement, ...params));
  return {
    find: async (id) => readRecord(await read(statements.find, id)),
    async findMany(ids) {
      return ids.length === 0 ? [] : inOrderOf(ids, await read(statements.findMany, JSON.stringify(ids)));
    },
    listByOwner: async (ownerId) => (await read(statements.listByOwner, encodeOwner(ownerId))).map(recordOf),
    async count() {
      const [row] = await read(statements.count);
      return Number(row?.['count']);
    },
  };
}

function writers(executor: Executor, statements: Statements, clear: () => void): Omit<SqliteStore, keyof ReturnType<typeof readers>> {
  const write = (statement: SqliteStatement, ...params: SqliteValue[]) => executor.write(() => rowsOf(statement, ...params));
  return {
    insert: (record) => executor.write(() => insert(statements, record)),
    insertWithin: (record, _ttl, limit) => executor.write(() => insertWithin(statements, record, limit)),
    replace: (record, expectedVersion) => executor.write(() => replace(statements, record, expectedVersion)),
    delete: async (id) => (await write(statements.delete, id)).length > 0,
    async deleteByOwner(ownerId, except) {
      return idsIn(await write(statements.deleteByOwner, encodeOwner(ownerId), except ?? null));
    },
    async sweep(now) {
      for (let total = 0; ; await pause(0)) {
        const { length } = await write(statements.sweep, now);
        total += length;
        if (length < SWEEP_BATCH) return total;
      }
    },
    clear: () => executor.write(clear),
  };
}

function insert(statements: Statements, record: SessionRecord): 'inserted' | 'exists' {
  const { id, version, ownerId, createdAt, expiresAt, body } = record;
  const owner = ownerId === undefined ? null : encodeOwner(ownerId);
  return rowsOf(statements.insert, id, version, owner, createdAt, expiresAt, body).length > 0 ? 'inserted' : 'exists';
}

function replace(statements: Statements, record: SessionRecord, expectedVersion: string): 'replaced' | 'gone' | 'conflict' {
  const { id, version, expiresAt, body } = record;
  if (rowsOf(statements.replace, version, expiresAt, body, id, expectedVersion).length > 0) return 'replaced';
  return rowsOf(statements.version, id).length > 0 ? 'conflict' : 'gone';
}

/** Within a transaction that holds the write lock: what is counted stays so. */
function insertWithin(statements: Statements, record: SessionRecord, limit: OwnerLimit): LimitedInsert {
  if (rowsOf(statements.version, record.id).length > 0) return { outcome: insert(statements, record), evicted: [] };
  const excess = idsIn(rowsOf(statements.excess, encodeOwner(record.ownerId ?? ''), limit.now, limit.max - 1));
  if (excess.length > 0 && limit.onLimit === 'deny') return { outcome: 'limit-reached', evicted: [] };
  for (const id of excess) rowsOf(statements.delete, id);
  return { outcome: insert(statements, record), evicted: excess };
}

function idsIn(rows: readonly Row[]): string[] {
  return rows.map((row) => String(row['id']));
}
