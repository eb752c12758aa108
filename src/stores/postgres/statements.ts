import { STEP } from '../shared/steps.js';
import type { Names } from './names.js';
import { type Statement, statement } from './runner.js';

/**
 * Selected as text, because clients convert other types in different ways. The names of an answer
 * have no underscores: see `recordOf`.
 */
const RECORD = 'version, owner_id AS owner, created_at::text AS created, expires_at::text AS expires, body';
const LIST = `id::text AS id, ${RECORD}`;

/** How many entries of an index one step of a count reads. */
export const COUNTED_AT_ONCE = 10_000;

/**
 * How many sessions of an owner with many are read at once. To find the next ones, the server must
 * skip those that have ended.
 */
export const MEMBERS_AT_ONCE = 10_000;

/**
 * How long an inserted session counts before it is admitted, in ms. If the process dies, the
 * session is soon forgotten.
 */
export const PROVISIONAL = 300_000;

const VERBS = [
  'insert',
  'confirm',
  'find',
  'findMany',
  'replace',
  'touch',
  'delete',
  'listByOwner',
  'membersByOwner',
  'deleteByOwner',
  'deleteMany',
  'trimOwner',
  'sweep',
  'count',
  'clear',
] as const;

/**
 * The statement of each verb, or of each of its steps. Every parameter is text and is cast here,
 * because clients send other types in different ways.
 */
export type Statements = Readonly<Record<(typeof VERBS)[number], Statement>>;

export function statementsOf(names: Names): Statements {
  const texts = { ...recordTexts(names.table), ...bulkTexts(names.table) };
  const entries = VERBS.map((verb) => [verb, statement(verb, texts[verb])] as const);
  return Object.fromEntries(entries) as Record<(typeof VERBS)[number], Statement>;
}

function recordTexts(table: string) {
  return {
    // If the row exists, the insert counts as done only if the same write made the row. The update
    // changes nothing. It only makes RETURNING show that case.
    insert: `INSERT INTO ${table} AS stored (id, version, owner_id, created_at, expires_at, body, sweep_at)
VALUES ($1::uuid, $2, $3, $4::bigint, $5::bigint, $6, $5::bigint)
ON CONFLICT (id) DO UPDATE SET version = stored.version WHERE stored.version = excluded.version
RETURNING 'yes' AS inserted`,
    find: `SELECT ${RECORD} FROM ${table} WHERE id = $1::uuid`,
    findMany: `SELECT ${LIST} FROM ${table} WHERE id = ANY (string_to_array($1, ',')::uuid[])`,
    // The row is locked before the comparison. So the version that is read is the newest one, not
    // that of the statement's snapshot, and it does not change.
    replace: `WITH found AS (SELECT version FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE),
replaced AS (UPDATE ${table} AS stored SET version = $3, expires_at = $4::bigint,
    sweep_at = least(stored.sweep_at, $4::bigint), body = $5, owner_id = coalesce(stored.owner_id, $6::text)
  FROM found WHERE stored.id = $1::uuid AND found.version = $2)
SELECT version FROM found`,
    // No indexed column and no body changes, so the new version of the row stays on its page
    // (HOT).
    touch: `WITH found AS (SELECT version FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE),
touched AS (UPDATE ${table} AS stored SET version = $3, expires_at = $4::bigint,
    sweep_at = least(stored.sweep_at, $4::bigint)
  FROM found WHERE stored.id = $1::uuid AND found.version = $2)
SELECT version FROM found`,
    delete: `DELETE FROM ${table} WHERE id = $1::uuid RETURNING id::text AS id`,
  };
}

function bulkTexts(table: string) {
  /** The sessions of owner $1 that count at the time $2, without the one with the id $3. */
  const live = `FROM ${table} WHERE owner_id = $1 AND expires_at > $2::bigint AND id::text IS DISTINCT FROM $3::text`;
  return {
    listByOwner: `SELECT ${LIST} FROM ${table} WHERE owner_id = $1 LIMIT ${STEP + 1}`,
    // Returned as one text. As rows, the client would need many times as long.
    membersByOwner: `SELECT count(*)::text AS seen, string_agg(created_at::text || ' ' || id::text, ',') AS members
FROM (SELECT id, created_at ${live} LIMIT $4::bigint) AS page`,
    deleteMany: `WITH ended AS (DELETE FROM ${table} WHERE id = ANY (string_to_array($1, ',')::uuid[]) RETURNING id)
SELECT string_agg(id::text, ',') AS ids FROM ended`,
    deleteByOwner: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE owner_id = $1 AND id::text IS DISTINCT FROM $2::text LIMIT ${STEP}),
ended AS (DELETE FROM ${table} AS stored USING page WHERE stored.id = page.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
    // In any part of an owner's sessions, those beyond the $4 newest must end. So it is enough to
    // look at a few more. They are locked, always in the same order. Sessions that another login
    // has ended by then are left out, and no longer count.
    trimOwner: `WITH page AS MATERIALIZED (SELECT id ${live} LIMIT $4::bigint + ${STEP}),
live AS MATERIALIZED (SELECT id, created_at FROM ${table}
  WHERE id IN (SELECT id FROM page) AND (SELECT count(*) FROM page) > $4::bigint ORDER BY created_at, id FOR UPDATE),
excess AS (SELECT id FROM live WHERE id::text IS DISTINCT FROM $5::text
  ORDER BY created_at, id LIMIT greatest(0, (SELECT count(*) FROM live) - $4::bigint)),
ended AS (DELETE FROM ${table} AS stored USING excess WHERE stored.id = excess.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
    // When several sessions are admitted at the same time, each sees those that were inserted
    // before it asked, except the refused ones. So exactly as many stay as there is room for. A
    // session that was written meanwhile was admitted by another call.
    confirm: `WITH live AS MATERIALIZED (SELECT id ${live} ORDER BY created_at, id LIMIT $4::bigint + 1 FOR UPDATE),
refused AS (DELETE FROM ${table} WHERE id = $5::uuid AND version = $7 AND (SELECT count(*) FROM live) > $4::bigint),
admitted AS (UPDATE ${table} SET expires_at = $6::bigint, sweep_at = $6::bigint
  WHERE id = $5::uuid AND (SELECT count(*) FROM live) <= $4::bigint RETURNING 1)
SELECT (SELECT count(*) FROM admitted)::text AS admitted`,
    // Rows that other transactions hold are skipped. sweep_at is never later than the deadline. A
    // touch moves only the deadline. When sweep_at has passed, the sweep moves it to the deadline.
    sweep: `WITH due AS MATERIALIZED (
  SELECT id, expires_at FROM ${table} WHERE sweep_at <= $1::bigint ORDER BY sweep_at
  LIMIT ${STEP} FOR UPDATE SKIP LOCKED),
swept AS (DELETE FROM ${table} AS stored USING due WHERE stored.id = due.id AND due.expires_at <= $1::bigint
  RETURNING 1),
later AS (UPDATE ${table} AS stored SET sweep_at = due.expires_at
  FROM due WHERE stored.id = due.id AND due.expires_at > $1::bigint)
SELECT (SELECT count(*) FROM due)::text AS seen, (SELECT count(*) FROM swept)::text AS count`,
    count: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE id > $1::uuid ORDER BY id LIMIT ${COUNTED_AT_ONCE})
SELECT count(*)::text AS count, (SELECT id::text FROM page ORDER BY id DESC LIMIT 1) AS last FROM page`,
    clear: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE id > $1::uuid ORDER BY id LIMIT ${STEP}),
ended AS (DELETE FROM ${table} AS stored USING page WHERE stored.id = page.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT id::text FROM page ORDER BY id DESC LIMIT 1) AS last,
  (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
  };
}
