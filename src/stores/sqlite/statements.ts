import { COLUMNS } from '../shared/sql-record.js';
import { STEP } from '../shared/steps.js';

/** How many entries of an index one step of a count reads. */
export const COUNTED_AT_ONCE = 10_000;

/**
 * Selects numbers in a form that every driver returns alike, even too large ones: as floating
 * point, which is exact up to 2^53. `NULL` for values that are not integers.
 */
const LIST = COLUMNS.map((column) => {
  const value = column.endsWith('_at')
    ? `CASE typeof(${column}) WHEN 'integer' THEN CAST(${column} AS REAL) END`
    : column;
  return `${value} AS ${column.replace(/_.*/, '')}`;
}).join(', ');

export type Statements = ReturnType<typeof statementsOf>;

/**
 * Each verb, and each step of one, is one statement. So no transaction must last longer, which
 * some drivers do not support.
 */
export function statementsOf(table: string) {
  const columns = COLUMNS.join(', ');
  // If the row exists, the insert counts as done only if the same write made the row. The update
  // changes nothing. It only makes RETURNING show that case.
  const unlessOther =
    'ON CONFLICT (id) DO UPDATE SET version = version WHERE version = excluded.version RETURNING 1 AS inserted';
  return {
    insert: `INSERT INTO ${table} (${columns}) VALUES (?, ?, ?, ?, ?, ?) ${unlessOther}`,
    /**
     * More parameters: the owner, the time, the replaced id, the limit twice, and the record's id
     * and version again.
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
    // The index of owners has the rows in the order of their rowid. So each page begins where the
    // page before it ended.
    listByOwner: `SELECT rowid AS place, ${LIST} FROM ${table} WHERE owner_id = ? AND rowid > ? ORDER BY rowid LIMIT ${STEP}`,
    deleteByOwner: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE owner_id = ? AND id IS NOT ? LIMIT ${STEP}) RETURNING id`,
    // In any part of an owner's sessions, those beyond the newest `max` must end. So it is enough
    // to look at a few more than `max`.
    trimOwner: `WITH some AS (SELECT id, created_at FROM ${table} WHERE owner_id = ? AND expires_at > ? AND id IS NOT ? LIMIT ? + ${STEP})
DELETE FROM ${table} WHERE id IN (
  SELECT id FROM some WHERE id IS NOT ? ORDER BY created_at, id
  LIMIT max(0, (SELECT count(*) FROM some) - ?)) RETURNING id`,
    sweep: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE expires_at <= ? LIMIT ${STEP}) RETURNING 1 AS removed`,
    count: `SELECT count(*) AS count, max(id) AS last FROM (SELECT id FROM ${table} WHERE id > ? ORDER BY id LIMIT ${COUNTED_AT_ONCE})`,
    clear: `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} LIMIT ${STEP}) RETURNING 1 AS removed`,
  };
}
