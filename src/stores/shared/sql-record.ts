import { SessionError } from '../../core/error.js';
import type { SessionRecord } from '../../core/store.js';

/** A row as a driver gives it: what is in it is checked here, not trusted. */
export type Row = Readonly<Record<string, unknown>>;

/** The columns of a session's row, the same in every SQL store. */
export const COLUMNS = ['id', 'version', 'owner_id', 'created_at', 'expires_at', 'body'] as const;

/**
 * The record in a row, whatever its state: a damaged field becomes one that the library cannot
 * read either. For answers of many rows, of which one that is damaged must not take the others
 * along: the library reports each on its own.
 */
export function recordOf(row: Row): SessionRecord {
  const owner = row['owner_id'];
  return {
    id: text(row['id']),
    version: text(row['version']),
    ...(typeof owner === 'string' && { ownerId: decodeOwner(owner) }),
    createdAt: integer(row['created_at']),
    expiresAt: integer(row['expires_at']),
    body: text(row['body']),
  };
}

/**
 * The record in the first row, or `null` where there is none. @throws `INVALID_DATA` when it is
 * damaged
 */
export function readRecord([row]: readonly Row[]): SessionRecord | null {
  if (!row) return null;
  const record = recordOf(row);
  if (record.version !== '' && record.body !== '' && Number.isSafeInteger(record.createdAt) && Number.isSafeInteger(record.expiresAt)) {
    return record;
  }
  throw new SessionError(
    'INVALID_DATA',
    `the stored row of session ${record.id} cannot be read: it was damaged, or written by another program`,
  );
}

/** The answer of `findMany`: rows come in any order, and only for what is there. */
export function inOrderOf(ids: readonly string[], rows: readonly Row[]): (SessionRecord | null)[] {
  const records = new Map(rows.map(recordOf).map((record) => [record.id, record]));
  return ids.map((id) => records.get(id) ?? null);
}

/**
 * U+001A, "substitute": stands before the four hexadecimal digits of a character that SQL text
 * cannot hold.
 */
const ESCAPE = '\u001a';
const UNSTORABLE = new RegExp(`[\0${ESCAPE}]|\\p{Surrogate}`, 'gu');
const ESCAPED = new RegExp(`${ESCAPE}([0-9a-f]{4})`, 'g');

/**
 * An owner as SQL text. Any text may be an owner, but U+0000 and lone surrogates are refused, cut
 * off or replaced by one database or another; two owners must never become one. All others are
 * stored as they are, so that they can be joined with.
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

/** Drivers give 64-bit integers as a number, a bigint or text. `NaN` for anything else. */
function integer(value: unknown): number {
  if (typeof value === 'string') return /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;
}
