import { STEP } from '../shared/steps.js';
import type { Names } from './names.js';
import { type Statement, statement } from './runner.js';

/** As text, whatever the client makes of other types. */
const LIST = 'id::text AS id, version, owner_id, created_at::text AS created_at, expires_at::text AS expires_at, body';

/** How many entries of an index one step of a count reads. */
export const COUNTED_AT_ONCE = 10_000;

/**
 * How many of an owner's sessions are read at once, where there are many: to find the next ones,
 * the server passes by those that ended.
 */
export const MEMBERS_AT_ONCE = 10_000;

/**
 * How long a session counts that was inserted and is not admitted yet, in ms: if the process dies,
 * it is forgotten soon.
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
 * The statement of each verb, or of each of its steps. Every parameter is text, cast here: clients
 * differ in how they send the rest.
 */
export type Statements = Readonly<Record<(typeof VERBS)[number], Statement>>;

export function statementsOf(names: Names): Statements {
  const texts = { ...recordTexts(names.table), ...bulkTexts(names.table) };
  const entries = VERBS.map((verb) => [verb, statement(verb, texts[verb])] as const);
  return Object.fromEntries(entries) as Record<(typeof VERBS)[number], Statement>;
}

function recordTexts(table: string) {
  return {
    // A row that is there already counts as inserted when it is of the same write: updating it to
    // what it is tells that apart.
    insert: `INSERT INTO ${table} AS stored (id, version, owner_id, created_at, expires_at, body, sweep_at)
VALUES ($1::uuid, $2, $3, $4::bigint, $5::bigint, $6, $5::bigint)
ON CONFLICT (id) DO UPDATE SET version = stored.version WHERE stored.version = excluded.version RETURNING 'yes' AS inserted`,
    find: `SELECT ${LIST} FROM ${table} WHERE id = $1::uuid`,
    findMany: `SELECT ${LIST} FROM ${table} WHERE id = ANY (string_to_array($1, ',')::uuid[])`,
    // The row is locked before it is compared: what is read then is the newest version, not the
    // one of the statement's snapshot, and stays so.
    replace: `WITH found AS (SELECT version FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE),
replaced AS (UPDATE ${table} AS stored SET version = $3, expires_at = $4::bigint, sweep_at = least(stored.sweep_at, $4::bigint),
    body = $5, owner_id = coalesce(stored.owner_id, $6::text)
  FROM found WHERE stored.id = $1::uuid AND found.version = $2)
SELECT version FROM found`,
    // No column of an index changes, and the body is not touched: the new version of the row stays
    // on its page (HOT).
    touch: `WITH found AS (SELECT version FROM ${table} WHERE id = $1::uuid FOR NO KEY UPDATE),
touched AS (UPDATE ${table} AS stored SET version = $3, expires_at = $4::bigint, sweep_at = least(stored.sweep_at, $4::bigint)
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
    // In one text: as rows they would take the client many times as long.
    membersByOwner: `SELECT count(*)::text AS seen, string_agg(created_at::text || ' ' || id::text, ',') AS members
FROM (SELECT id, created_at ${live} LIMIT $4::bigint) AS page`,
    deleteMany: `WITH ended AS (DELETE FROM ${table} WHERE id = ANY (string_to_array($1, ',')::uuid[]) RETURNING id)
SELECT string_agg(id::text, ',') AS ids FROM ended`,
    deleteByOwner: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE owner_id = $1 AND id::text IS DISTINCT FROM $2::text LIMIT ${STEP}),
ended AS (DELETE FROM ${table} AS stored USING page WHERE stored.id = page.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
    // Of any of an owner's sessions, those beyond the $4 newest have to go: so it is enough to
    // look at a few more. They are locked, always in the same order: what another login has ended
    // by then is left out, and does not count any more.
    trimOwner: `WITH page AS MATERIALIZED (SELECT id ${live} LIMIT $4::bigint + ${STEP}),
live AS MATERIALIZED (SELECT id, created_at FROM ${table}
  WHERE id IN (SELECT id FROM page) AND (SELECT count(*) FROM page) > $4::bigint ORDER BY created_at, id FOR UPDATE),
excess AS (SELECT id FROM live WHERE id::text IS DISTINCT FROM $5::text
  ORDER BY created_at, id LIMIT greatest(0, (SELECT count(*) FROM live) - $4::bigint)),
ended AS (DELETE FROM ${table} AS stored USING excess WHERE stored.id = excess.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
    // Of sessions that are to be admitted at the same time, each sees those that were inserted
    // before it was asked, without those that were refused: as many stay as there is room for.
    confirm: `WITH live AS MATERIALIZED (SELECT id ${live} ORDER BY created_at, id LIMIT $4::bigint + 1 FOR UPDATE),
refused AS (DELETE FROM ${table} WHERE id = $5::uuid AND (SELECT count(*) FROM live) > $4::bigint),
admitted AS (UPDATE ${table} SET expires_at = $6::bigint, sweep_at = $6::bigint
  WHERE id = $5::uuid AND (SELECT count(*) FROM live) <= $4::bigint RETURNING 1)
SELECT (SELECT count(*) FROM admitted)::text AS admitted`,
    // What others are at is left to them. sweep_at is not later than the deadline: a touch moves
    // the deadline alone, and the sweep that comes by when sweep_at has passed moves it after it.
    sweep: `WITH due AS MATERIALIZED (
  SELECT id, expires_at FROM ${table} WHERE sweep_at <= $1::bigint ORDER BY sweep_at LIMIT ${STEP} FOR UPDATE SKIP LOCKED),
swept AS (DELETE FROM ${table} AS stored USING due WHERE stored.id = due.id AND due.expires_at <= $1::bigint RETURNING 1),
later AS (UPDATE ${table} AS stored SET sweep_at = due.expires_at FROM due WHERE stored.id = due.id AND due.expires_at > $1::bigint)
SELECT (SELECT count(*) FROM due)::text AS seen, (SELECT count(*) FROM swept)::text AS count`,
    count: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE id > $1::uuid ORDER BY id LIMIT ${COUNTED_AT_ONCE})
SELECT count(*)::text AS count, (SELECT id::text FROM page ORDER BY id DESC LIMIT 1) AS last FROM page`,
    clear: `WITH page AS MATERIALIZED (SELECT id FROM ${table} WHERE id > $1::uuid ORDER BY id LIMIT ${STEP}),
ended AS (DELETE FROM ${table} AS stored USING page WHERE stored.id = page.id RETURNING stored.id)
SELECT (SELECT count(*) FROM page)::text AS seen, (SELECT id::text FROM page ORDER BY id DESC LIMIT 1) AS last,
  (SELECT string_agg(id::text, ',') FROM ended) AS ids`,
  };
}
