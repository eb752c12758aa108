import { createHash } from 'node:crypto';
import { encodeJson, equalJson, getOwn, isJsonObject, type JsonObject, type JsonValue, setOwn } from '../../core/data/json.js';
import { SessionError } from '../../core/error.js';
import type { SessionRecord } from '../../core/store.js';
import { StoredCookie } from './stored-cookie.js';

/*
 * A record as it stands in a callback store:
 *
 *   { cookie: { … }, userId: 'ann', views: 2, …, __tokenSession: { format, id, version, ownerId?, createdAt, expiresAt, body } }
 *
 * The fields of the data stand flat, for express-session to read. The record stands in the
 * reserved key, with the body to the character: JSON would lose a -0, and stores the order of
 * fields. Where both differ another program has changed the fields, and they hold: see
 * `withChangesOfOthers`.
 */

/** The one name that this library adds to the data's own. */
export const RESERVED = '__tokenSession';
const FORMAT = 1;

/** Names that express-session and its stores use beside the data's own. */
const TAKEN: ReadonlySet<string> = new Set(['cookie', 'id', 'lastModified', '__lastAccess', RESERVED]);

/**
 * Names of the methods of express-session's own sessions: it does not read fields that are called
 * like that.
 */
const UNREADABLE: ReadonlySet<string> = new Set(['req', 'touch', 'resetMaxAge', 'save', 'reload', 'destroy', 'regenerate']);

/**
 * What is given to the store for a record.
 *
 * @throws `INVALID_DATA` for data that cannot stand beside express-session's
 */
export function wrap(record: SessionRecord, ttl: number): Record<string, unknown> {
  const session: Record<string, unknown> = { cookie: new StoredCookie(ttl) };
  const data = dataOf(parse(record.body));
  if (data !== undefined && !isJsonObject(data)) {
    throw new SessionError('INVALID_DATA', 'expressStore keeps data whose fields stand beside express-session’s: it has to be an object');
  }
  for (const [name, value] of Object.entries(data ?? {})) {
    if (TAKEN.has(name)) {
      throw new SessionError('INVALID_DATA', `data.${name} has a name that express-session or its stores use: expressStore cannot keep it`);
    }
    if (isFlat(name)) setOwn<unknown>(session, name, value);
  }
  session[RESERVED] = { format: FORMAT, ...record };
  return session;
}

/**
 * The record in what a store has called back with, or `null` for nothing.
 *
 * @throws `INVALID_DATA` for what is not this session's record
 */
export function unwrap(id: string, stored: unknown): SessionRecord | null {
  if (!stored) return null;
  const kept = isJsonObject(stored) ? getOwn(stored, RESERVED) : undefined;
  if (!isJsonObject(stored) || !isJsonObject(kept)) throw unreadable(id, 'was not written by this library');
  const { format, id: ownId, version, ownerId, createdAt, expiresAt, body } = kept;
  if (ownId !== id) throw unreadable(id, 'is another session’s');
  if (
    format !== FORMAT ||
    typeof version !== 'string' ||
    (ownerId !== undefined && typeof ownerId !== 'string') ||
    typeof createdAt !== 'number' ||
    typeof expiresAt !== 'number' ||
    typeof body !== 'string'
  ) {
    throw unreadable(id, 'is damaged, or was written by a newer version of this library');
  }
  const record = { id, version, ...(ownerId !== undefined && { ownerId }), createdAt, expiresAt, body };
  try {
    return withChangesOfOthers(record, stored);
  } catch {
    throw unreadable(id, 'was changed by another program to what JSON cannot carry');
  }
}

/**
 * The fields of the data of an express-session style session: all but what the library and its
 * stores put beside them.
 */
export function flatData(stored: JsonObject): JsonObject {
  const data: Record<string, JsonValue | undefined> = {};
  for (const [name, value] of Object.entries(stored)) {
    if (!TAKEN.has(name) && typeof value !== 'function') setOwn(data, name, value);
  }
  return data;
}

export function unreadable(id: string, problem: string): SessionError {
  return new SessionError('INVALID_DATA', `what the store has for session ${id} ${problem}`);
}

/**
 * Fields that express-session has changed hold, and count as another writer's change: the version
 * is another one, the same as often as it is read, so that a write that does not know of them is a
 * conflict.
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

/** The data with the fields as they are beside it now, or `null` where they are the same. */
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

/** Whether two values are the same once JSON has carried them. */
function sameInJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return equalJson(a, b) || (a !== undefined && b !== undefined && equalJson(plain(a), plain(b)));
}

/** What JSON makes of a value that some stores do not keep as JSON. */
function plain(value: JsonValue): JsonValue {
  return JSON.parse(JSON.stringify(value));
}

/** The data in a body of the library's own; `undefined` for a text that is not one. */
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
