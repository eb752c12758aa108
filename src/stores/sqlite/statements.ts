import { COLUMNS } from '../shared/sql-record.js';
import { STEP } from '../shared/steps.js';

/** How many entries of an index one step of a count reads. */
export const COUNTED_AT_ONCE = 10_000;

/**
 * Numbers that every driver gives alike, also those too great for it: as floating point, exact up
 * to 2^53. `NULL` for what is no integer.
 */
const LIST = COLUMNS.map((column) =>
  column.endsWith('_at') ? `CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS REAL) END AS ${column}` : column,
).join(', ');

export type Statements = ReturnType<typeof statementsOf>;

/**
 * Each verb, and each step of one, is one statement: it needs no transaction that lasts, which
 * some drivers do not have.
 */
export function statementsOf(table: string) {
  const columns = COLUMNS.join(', ');
  // A row that is there already counts as inserted when it is of the same write: updating it to
  // what it is tells that apart.
  const unlessOther = 'ON CONFLICT (id) DO UPDATE SET version = version WHERE version = excluded.version RETURNING 1 AS inserted';
  return {
    insert: `INSERT INTO ${table} (${columns}) VALUES (?, ?, ?, ?, ?, ?) ${unlessOther}`,
    /**
     * Also the owner, the time, the id that is replaced, the limit twice, and the id and version
     * of the record again.
     */
    insertBelow: `INSERT INTO ${table} (${columns}) SELECT ?, ?, ?, ?, ?, ?
WHERE (SELECT count(*) FROM (SELECT 1 FROM ${table} WHERE owner_id = ? AND expires_at > ? AND id IS NOT ? LIMIT ?)) < ?
  OR EXISTS (SELECT 1 FROM ${table} WHERE id = ? AND version = ?)
${unlessOther}`,
    find: `SELECT ${LIST} FROM ${table} WHERE id = ?`,
    findMany: `SELECT ${LIST} FROM ${table} WHERE id IN (SELECT value FROM json_each(?))`,
    replace: `UPDATE ${table} SET version = ?, expires_at = ?, body = ?, owner_id = coalesce(owner_id, ?)
WHERE id = ? AND version = ? RETURNING 1 AS replaced`,
    touch: `UPDATE ${table} SET version = ?, expires_at = ? WHERE id = ? AND version = ? RETURNING 1 AS replaced`,
    version: `SELECT version FROM ${table} WHERE id = ?`,
    delete: `DELETE FROM ${table} WHERE id = ? RETURNING id`,
    // The index of owners has the rows in the order of their rowid: a page begins where the one
    // before ended.
    listByOwner: `SELECT rowid AS place, ${LIST} FROM ${table} WHERE owner_id = ? AND rowid > ? ORDER BY rowid LIMIT ${STEP}`,
    deleteByOwner: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE owner_id = ? AND id IS NOT ? LIMIT ${STEP}) RETURNING id`,
    // Of any of an owner's sessions, those beyond the newest `max` have to go: so it is enough to
    // look at a few more than `max`.
    trimOwner: `WITH some AS (SELECT id, created_at FROM ${table} WHERE owner_id = ? AND expires_at > ? AND id IS NOT ? LIMIT ? + ${STEP})
DELETE FROM ${table} WHERE id IN (
  SELECT id FROM some WHERE id IS NOT ? ORDER BY created_at, id LIMIT max(0, (SELECT count(*) FROM some) - ?)) RETURNING id`,
    sweep: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${STEP}) RETURNING 1 AS removed`,
    count: `SELECT count(*) AS count, max(id) AS last FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${COUNTED_AT_ONCE})`,
    clear: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} LIMIT ${STEP}) RETURNING 1 AS removed`,
  };
}
