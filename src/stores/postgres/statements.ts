import type { OwnerLimit, SessionRecord } from '../../core/store.js';
import { COLUMNS, encodeOwner } from '../shared/sql-record.js';
import type { Names } from './names.js';

const LIST = COLUMNS.join(', ');

/** A notification takes less than 8,000 bytes: this many ids of 36, with commas. */
const IDS_IN_A_NOTIFICATION = 200;

/** How many records a sweep removes at once. */
export const SWEEP_BATCH = 1000;

/** The statement of each verb. Every parameter is text, cast here: clients differ in how they send the rest. */
export interface Statements {
  readonly insert: string;
  readonly find: string;
  readonly findMany: string;
  readonly replace: string;
  readonly delete: string;
  readonly listByOwner: string;
  readonly deleteByOwner: string;
  readonly sweep: string;
  readonly count: string;
  readonly clear: string;
}

export function statementsOf({ table, channel }: Names): Statements {
  return {
    // A row that is there already counts as inserted when it is of the same write: updating it to what it is tells that apart.
    insert: `INSERT INTO ${table} AS stored (${LIST}) VALUES ($1::uuid, $2, $3, $4::bigint, $5::bigint, $6)
ON CONFLICT (id) DO UPDATE SET version = stored.version WHERE stored.version = excluded.version RETURNING 1 AS inserted`,
    find: `SELECT ${LIST} FROM ${table} WHERE id = $1::uuid`,
    findMany: `SELECT ${LIST} FROM ${table} WHERE id = ANY (string_to_array($1, ',')::uuid[])`,
    // The row is locked before it is compared: what is read then is the newest version, not the one of the statement's snapshot, and stays so.
    replace: `WITH found AS (SELECT version FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE),
replaced AS (UPDATE ${table} AS stored SET version = $3, expires_at = $4::bigint, body = $5,
    owner_id = coalesce(stored.owner_id, $6::text) FROM found
  WHERE stored.id = $1::uuid AND found.version = $2)
SELECT version FROM found`,
    delete: `WITH ended AS (DELETE FROM ${table} WHERE id = $1::uuid RETURNING id)
SELECT pg_notify('${channel}', id::text) FROM ended`,
    listByOwner: `SELECT ${LIST} FROM ${table} WHERE owner_id = $1`,
    deleteByOwner: `WITH ended AS (DELETE FROM ${table} WHERE owner_id = $1 AND id::text IS DISTINCT FROM $2::text RETURNING id)
${tell(channel)}`,
    // The rows are locked first, where they are due in their newest version: nobody can renew them any more. What others are at is left to them.
    sweep: `WITH due AS MATERIALIZED (SELECT id FROM ${table} WHERE expires_at <= $1::bigint LIMIT ${SWEEP_BATCH} FOR UPDATE SKIP LOCKED),
swept AS (DELETE FROM ${table} USING due WHERE ${table}.id = due.id RETURNING 1)
SELECT count(*)::text AS count FROM swept`,
    count: `SELECT count(*)::text AS count FROM ${table}`,
    clear: `WITH ended AS (DELETE FROM ${table} RETURNING id) SELECT count(told)::text AS batches FROM (${tell(channel)}) AS told`,
  };
}

/** Notifies of the rows of `ended`, and answers their ids, many to a row. */
function tell(channel: string): string {
  return `SELECT ids, pg_notify('${channel}', ids) FROM (
  SELECT string_agg(id::text, ',') AS ids FROM (SELECT id, (row_number() OVER () - 1) / ${IDS_IN_A_NOTIFICATION} AS batch FROM ended) AS numbered
  GROUP BY batch) AS batches`;
}

/**
 * The script of `insertWithin`: three statements, one message, one transaction. Those of one owner take turns by a lock that is held until
 * the commit. A statement of its own takes it, because a statement sees what had been committed when it began: this way the one that counts
 * begins when its predecessor's commit is visible. Scripts take no parameters, so the values are quoted.
 *
 * @param lock the key of the lock: a 64-bit integer that stands for the table and the owner
 */
export function insertWithinScript({ table, channel }: Names, record: SessionRecord, limit: OwnerLimit, lock: bigint): string {
  const [id, version, owner, body] = [record.id, record.version, encodeOwner(record.ownerId ?? ''), record.body].map(quoteText);
  const evict = limit.onLimit === 'evict-oldest';
  return `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SELECT pg_advisory_xact_lock(${lock});
WITH present AS (SELECT version FROM ${table} WHERE id = ${id}::uuid),
others AS (SELECT id, created_at FROM ${table} WHERE owner_id = ${owner} AND expires_at > ${Math.floor(limit.now)} AND id <> ${id}::uuid),
excess AS (SELECT id FROM others WHERE NOT EXISTS (SELECT FROM present) ORDER BY created_at DESC, id DESC OFFSET ${limit.max - 1}),
ended AS (DELETE FROM ${table} WHERE ${evict} AND id IN (SELECT id FROM excess) RETURNING id),
inserted AS (INSERT INTO ${table} (${LIST})
  SELECT ${id}::uuid, ${version}, ${owner}, ${Math.trunc(record.createdAt)}, ${Math.trunc(record.expiresAt)}, ${body}
  WHERE NOT EXISTS (SELECT FROM present) AND (${evict} OR NOT EXISTS (SELECT FROM excess))
  ON CONFLICT (id) DO NOTHING RETURNING 1),
told AS MATERIALIZED (${tell(channel)})
SELECT (SELECT version = ${version} FROM present) AS same, EXISTS (SELECT FROM inserted) AS inserted,
  (SELECT string_agg(ids, ',') FROM told) AS evicted`;
}

/** Text as a literal that means the same whatever `standard_conforming_strings` is. */
function quoteText(text: string): string {
  return `E'${text.replace(/['\\]/g, '$&$&')}'`;
}
