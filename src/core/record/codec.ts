import { encodeJson, isJsonObject, type JsonObject, type JsonValue } from '../data/json.js';
import { SessionError } from '../error.js';
import type { SessionRecord } from '../store.js';

/** The hashes of the tokens that a session knows. */
export interface TokenHashes {
  /** The token in use. */
  readonly current: string;
  /** Given out by `rotate` and not used yet; with what it renews when it is. */
  readonly pending?: { readonly hash: string; readonly authenticatedAt: number } | undefined;
  /** The immediate predecessor of the current one, valid until `until` (ms since the epoch). Kept after that, to tell a theft. */
  readonly previous?: { readonly hash: string; readonly until: number } | undefined;
}

/** How far the move of another library's session into this store has come; kept while that library's token is the current one. */
export interface Migration {
  /**
   * `'copied'`: written, but perhaps from what was read before the session was moved and ended by somebody else. `'proven'`: it was not; the old
   * session is being removed. `'done'`: it is out of the old store.
   */
  readonly stage: 'copied' | 'proven' | 'done';
  /** Tells this copy from another one with the same id, made after this one was ended. Goes into the new token. */
  readonly nonce: string;
}

/** What the library keeps in a record's body. Times are in ms since the epoch. */
export interface SessionState {
  readonly tokens: TokenHashes;
  readonly authenticatedAt: number;
  readonly lastActiveAt: number;
  readonly migration?: Migration | undefined;
  /** The data as it was written, before the schema has read it. */
  readonly stored: JsonValue;
}

/*
 * The body is one JSON object with short names, since every session in every store pays for each character:
 * v format, k current hash, n pending (hash, authenticatedAt), o previous (hash, until), a authenticatedAt,
 * l lastActiveAt, m migration (nonce, stage), d data.
 */
const FORMAT = 1;
const STAGES = ['copied', 'proven', 'done'] as const;

/** @throws `INVALID_DATA` when the encoded data is longer than `maxDataBytes`. */
export function encodeBody(state: SessionState, maxDataBytes: number): string {
  const data = encodeJson(state.stored);
  checkSize(data, maxDataBytes);
  const { current, pending, previous } = state.tokens;
  const next = pending ? `,"n":["${pending.hash}",${pending.authenticatedAt}]` : '';
  const old = previous ? `,"o":["${previous.hash}",${previous.until}]` : '';
  const times = `"a":${state.authenticatedAt},"l":${state.lastActiveAt}`;
  return `{"v":${FORMAT},"k":"${current}"${next}${old},${times}${encodeMigration(state.migration)},"d":${data}}`;
}

function encodeMigration(migration: Migration | undefined): string {
  if (!migration) return '';
  return `,"m":["${migration.nonce}",${STAGES.indexOf(migration.stage)}]`;
}

function checkSize(text: string, maxDataBytes: number): void {
  // UTF-8 takes at most three bytes for each UTF-16 unit: most data need not be encoded to be measured.
  if (text.length * 3 <= maxDataBytes) return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= maxDataBytes) return;
  throw new SessionError(
    'INVALID_DATA',
    `the session's data takes ${bytes} bytes as JSON, more than maxDataBytes (${maxDataBytes}): keep large things elsewhere and their keys here`,
  );
}

/** @throws `INVALID_DATA` when the record was not written by {@link encodeBody}, or was damaged since. */
export function decodeRecord(record: SessionRecord): SessionState {
  if (!isTime(record.createdAt) || !isTime(record.expiresAt) || typeof record.version !== 'string') throw unreadable();
  const body = parseBody(record);
  const pending = readPair(body['n']);
  const previous = readPair(body['o']);
  const migration = readMigration(body['m']);
  const { k: current, a: authenticatedAt, l: lastActiveAt, d: stored } = body;
  if (body['v'] !== FORMAT || typeof current !== 'string' || !isTime(authenticatedAt) || !isTime(lastActiveAt) || stored === undefined) {
    throw unreadable();
  }
  const tokens = {
    current,
    pending: pending && { hash: pending[0], authenticatedAt: pending[1] },
    previous: previous && { hash: previous[0], until: previous[1] },
  };
  return { tokens, authenticatedAt, lastActiveAt, migration, stored };
}

function parseBody(record: SessionRecord): JsonObject {
  try {
    const body: unknown = JSON.parse(record.body);
    if (isJsonObject(body)) return body;
  } catch {
    // The parser's message quotes the text, which may be anything: it must not travel on in an error.
  }
  throw unreadable();
}

function readPair(value: JsonValue | undefined): readonly [string, number] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || typeof value[0] !== 'string' || !isTime(value[1])) throw unreadable();
  return [value[0], value[1]];
}

function readMigration(value: JsonValue | undefined): Migration | undefined {
  const pair = readPair(value);
  if (!pair) return undefined;
  const stage = STAGES[pair[1]];
  if (!stage) throw unreadable();
  return { nonce: pair[0], stage };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

function unreadable(): SessionError {
  return new SessionError(
    'INVALID_DATA',
    'the stored record of the session cannot be read: it is damaged, or was written by another program or a newer version of this library',
    { status: 500 },
  );
}
