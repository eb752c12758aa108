import { createHash } from 'node:crypto';
import {
  encodeJson,
  equalJson,
  getOwn,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  setOwn,
} from '../../core/data/json.js';
import { SessionError } from '../../core/error.js';
import type { SessionRecord } from '../../core/store.js';
import { StoredCookie } from './stored-cookie.js';

/*
 * A record as a callback store holds it:
 *
 *   {
 *     cookie: { … }, userId: 'ann', views: 2, …,
 *     __tokenSession: { format, id, version, ownerId?, createdAt, expiresAt, body }
 *   }
 *
 * The fields of the data are at the top level, so that express-session can read them. The record
 * is in the reserved key, with the exact text of the body: JSON would lose a -0, and stores may
 * lose the order of fields. If the two differ, another program has changed the fields, and its
 * changes win: see `withChangesOfOthers`.
 */

/** The only name that this library adds to the names of the data. */
export const RESERVED = '__tokenSession';
const FORMAT = 1;

/** Names that express-session and its stores use beside the data. */
const TAKEN: ReadonlySet<string> = new Set(['cookie', 'id', 'lastModified', '__lastAccess', RESERVED]);

/** Methods of express-session's own sessions. It does not read fields with these names. */
const UNREADABLE: ReadonlySet<string> = new Set([
  'req',
  'touch',
  'resetMaxAge',
  'save',
  'reload',
  'destroy',
  'regenerate',
]);

/**
 * The session object that the store must write for a record.
 *
 * @throws `INVALID_DATA` for data that cannot be stored beside the fields of express-session
 */
export function wrap(record: SessionRecord, ttl: number): Record<string, unknown> {
  const session: Record<string, unknown> = { cookie: new StoredCookie(ttl) };
  const data = dataOf(parse(record.body));
  if (data !== undefined && !isJsonObject(data)) {
    throw new SessionError(
      'INVALID_DATA',
      'expressStore keeps the fields of the data beside those of express-session: data must be an object',
    );
  }
  for (const [name, value] of Object.entries(data ?? {})) {
    if (TAKEN.has(name)) {
      throw new SessionError(
        'INVALID_DATA',
        `expressStore cannot keep data.${name}: express-session or its stores use this name`,
      );
    }
    if (isFlat(name)) setOwn<unknown>(session, name, value);
  }
  session[RESERVED] = { format: FORMAT, ...record };
  return session;
}

/**
 * The record in the session object of a store, or `null` if there is none.
 *
 * @throws `INVALID_DATA` if the object is not this session's record
 */
export function unwrap(id: string, stored: unknown): SessionRecord | null {
  if (!stored) return null;
  const kept = isJsonObject(stored) ? getOwn(stored, RESERVED) : undefined;
  if (!isJsonObject(stored) || !isJsonObject(kept)) throw unreadable(id, 'this library did not write it');
  const { format, id: ownId, version, ownerId, createdAt, expiresAt, body } = kept;
  if (ownId !== id) throw unreadable(id, 'it belongs to another session');
  if (
    format !== FORMAT ||
    typeof version !== 'string' ||
    (ownerId !== undefined && typeof ownerId !== 'string') ||
    typeof createdAt !== 'number' ||
    typeof expiresAt !== 'number' ||
    typeof body !== 'string'
  ) {
    throw unreadable(id, 'it is damaged, or a newer version of this library wrote it');
  }
  const record = { id, version, ...(ownerId !== undefined && { ownerId }), createdAt, expiresAt, body };
  try {
    return withChangesOfOthers(record, stored);
  } catch {
    throw unreadable(id, 'another program has put data into it that JSON cannot carry');
  }
}

/**
 * The data of an express-session style session, without the fields of the library and the stores.
 */
export function flatData(stored: JsonObject): JsonObject {
  const data: Record<string, JsonValue | undefined> = {};
  for (const [name, value] of Object.entries(stored)) {
    if (!TAKEN.has(name) && typeof value !== 'function') setOwn(data, name, value);
  }
  return data;
}

export function unreadable(id: string, problem: string): SessionError {
  return new SessionError('INVALID_DATA', `the stored session ${id} cannot be read: ${problem}`);
}

/**
 * Applies the changes that express-session made to the fields. They count as another writer's
 * change, so the version changes too. The new version is the same at each read. So a write that
 * does not know the changes is a conflict.
 */
function withChangesOfOthers(record: SessionRecord, stored: JsonObject): SessionRecord {
  const body = parse(record.body);
  const data = dataOf(body);
  if (!isJsonObject(body) || !isJsonObject(data)) return record;
  const changed = applyChanges(data, flatData(stored));
  if (!changed) return record;
  const text = encodeJson({ ...body, d: changed });
  const version = createHash('sha256').update(`${record.version} ${text}`).digest('base64url').slice(0, 22);
  return { ...record, version, body: text };
}

/** The data with the current values of its fields, or `null` if nothing differs. */
function applyChanges(data: JsonObject, flat: JsonObject): JsonObject | null {
  const result: Record<string, JsonValue | undefined> = {};
  let changed = false;
  for (const [name, value] of Object.entries(data)) {
    const now = isFlat(name) ? getOwn(flat, name) : value;
    const same = sameInJson(now, value);
    if (!same) changed = true;
    if (now !== undefined) setOwn(result, name, same ? value : plain(now));
  }
  for (const [name, value] of Object.entries(flat)) {
    if (value === undefined || !isFlat(name) || Object.hasOwn(data, name)) continue;
    changed = true;
    setOwn(result, name, plain(value));
  }
  return changed ? result : null;
}

function isFlat(name: string): boolean {
  return !UNREADABLE.has(name) && !(name in Object.prototype);
}

/** Whether two values are equal after a way through JSON. */
function sameInJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return equalJson(a, b) || (a !== undefined && b !== undefined && equalJson(plain(a), plain(b)));
}

/** The value after a way through JSON. Some stores do not keep values as JSON. */
function plain(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value));
}

/** The data in a body that the library wrote. `undefined` for any other text. */
function dataOf(body: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(body) ? getOwn(body, 'd') : undefined;
}

function parse(body: string): JsonValue | undefined {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
