import { SessionError } from '../../core/error.js';
import type { SessionRecord } from '../../core/store.js';

/** A row from a driver. Its content is checked here, not trusted. */
export type Row = Readonly<Record<string, unknown>>;

/** The columns of a session's row, the same in every SQL store. */
export const COLUMNS = ['id', 'version', 'owner_id', 'created_at', 'expires_at', 'body'] as const;

/**
 * The record in a row, whatever its state. Statements name the columns `owner`, `created` and
 * `expires` in their answers: clients may rewrite names with an underscore (`postgres.camel`,
 * Kysely's `CamelCasePlugin`). A damaged field becomes a value that the library cannot
 * read either. For answers of many rows: one damaged row must not spoil the others, and the
 * library reports each on its own.
 */
export function recordOf(row: Row): SessionRecord {
  return recordWith(text(row['id']), row);
}

function recordWith(id: string, row: Row): SessionRecord {
  const version = text(row['version']);
  const owner = row['owner'];
  const createdAt = integer(row['created']);
  const expiresAt = integer(row['expires']);
  const body = text(row['body']);
  if (typeof owner !== 'string') return { id, version, createdAt, expiresAt, body };
  return { id, version, ownerId: decodeOwner(owner), createdAt, expiresAt, body };
}

/**
 * The record in the first row, or `null` if there is no row. The row need not repeat the id.
 *
 * @throws `INVALID_DATA` if the row is damaged
 */
export function readRecord(id: string, [row]: readonly Row[]): SessionRecord | null {
  if (!row) return null;
  const record = recordWith(id, row);
  if (
    record.version !== '' &&
    record.body !== '' &&
    Number.isSafeInteger(record.createdAt) &&
    Number.isSafeInteger(record.expiresAt)
  ) {
    return record;
  }
  throw new SessionError(
    'INVALID_DATA',
    `the stored row of session ${record.id} cannot be read: it is damaged, or another program wrote it`,
  );
}

/** The answer of `findMany`. Rows come in any order, and only for existing ids. */
export function inOrderOf(ids: readonly string[], rows: readonly Row[]): (SessionRecord | null)[] {
  const records = new Map(rows.map(recordOf).map((record) => [record.id, record]));
  return ids.map((id) => records.get(id) ?? null);
}

/**
 * U+001A, "substitute". It precedes the four hexadecimal digits of a character that SQL text
 * cannot hold.
 */
const ESCAPE = '\u001a';
const UNSTORABLE = new RegExp(`[\0${ESCAPE}]|\\p{Surrogate}`, 'gu');
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, 'g');

/**
 * Encodes an owner as SQL text. An owner may be any text. But databases refuse, cut off or replace
 * U+0000 and lone surrogates, and two owners must never become one. All other characters are
 * stored as they are, so that the column can be joined.
 */
export function encodeOwner(owner: string): string {
  return owner.replace(UNSTORABLE, (character) => ESCAPE + character.charCodeAt(0).toString(16).padStart(4, '0'));
}

function decodeOwner(stored: string): string {
  return stored.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Drivers return 64-bit integers as a number, a bigint or text. `NaN` for anything else. */
function integer(value: unknown): number {
  if (typeof value === 'string') return /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
}
