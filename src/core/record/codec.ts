import { encodeJson, isJsonObject, type JsonObject, type JsonValue } from '../data/json.js';
import { SessionError } from '../error.js';
import type { SessionRecord } from '../store.js';
import type {
  Migration,
  PendingToken,
  PreviousToken,
  ReplacedToken,
  RotationKind,
  SessionState,
  TokenState,
} from './state.js';
import { activityIn, markOf } from './token.js';

export type { Migration, SessionState } from './state.js';

/*
 * The body is one JSON object with short names, since every session in every store pays for each
 * character. Optional ones are in brackets:
 *
 *   v  format, 1
 *   k  hash of the current token
 *  [f] hash of the family
 *  [t] when the current token was made, if that was not with the session
 *  [n] pending token    [hash, authenticatedAt, madeAt, kind, salt]   salt is optional
 *  [o] previous token   [hash, until, authenticatedAt, kind, salt]    kind and salt are optional
 *  [r] replaced tokens  [mark, until, mark, until, …]
 *  [e] epoch
 *   a  authenticatedAt
 *   l  lastActiveAt
 *  [m] migration        [nonce, stage]
 *   d  data
 *
 * Format 1 only ever gains fields. Version 0.1.0 reads only the first two elements of `n` and `o`.
 * It does not know `f`, `t`, `r` and `e`, and it drops unknown fields when it writes. So each new
 * field must be safe to miss. This version keeps fields that it does not know. So a later version
 * must add fields, not elements.
 */
const FORMAT = 1;
const STAGES = ['copied', 'proven', 'done'] as const;
const KINDS = ['plain', 'reauthenticated'] as const;
const KNOWN: ReadonlySet<string> = new Set('vkftnorealmd');

/** @throws `INVALID_DATA` when the encoded data is longer than `maxDataBytes`. */
export function encodeBody(state: SessionState, maxDataBytes: number): string {
  const data = encodeJson(state.stored);
  checkSize(data, maxDataBytes);
  const times = `"a":${state.authenticatedAt},"l":${state.lastActiveAt}`;
  const { migration } = state;
  const moved = migration ? `,"m":["${migration.nonce}",${STAGES.indexOf(migration.stage)}]` : '';
  return `{"v":${FORMAT},${encodeTokens(state.tokens)},${times}${moved},"d":${data}${encodeUnknown(state.origin)}}`;
}

function encodeTokens({ current, family, madeAt, pending, previous, replaced, epoch }: TokenState): string {
  let encoded = `"k":"${current}"`;
  if (family !== undefined) encoded += `,"f":"${family}"`;
  if (madeAt !== undefined) encoded += `,"t":${madeAt}`;
  if (pending)
    encoded += `,"n":["${pending.hash}",${pending.authenticatedAt},${pending.madeAt}${encodeOrigin(pending)}]`;
  if (previous)
    encoded += `,"o":["${previous.hash}",${previous.until},${previous.authenticatedAt}${encodeOrigin(previous)}]`;
  if (replaced && replaced.length > 0)
    encoded += `,"r":[${replaced.map(({ mark, until }) => `"${mark}",${until}`).join()}]`;
  if (epoch !== undefined) encoded += `,"e":"${epoch}"`;
  return encoded;
}

function encodeOrigin({
  kind,
  salt,
}: {
  readonly kind?: RotationKind | undefined;
  readonly salt?: string | undefined;
}): string {
  if (kind === undefined) return '';
  return salt === undefined ? `,${KINDS.indexOf(kind)}` : `,${KINDS.indexOf(kind)},"${salt}"`;
}

function encodeUnknown(origin: JsonObject | undefined): string {
  if (!origin) return '';
  let fields = '';
  for (const key of Object.keys(origin)) {
    const value = KNOWN.has(key) ? undefined : origin[key];
    if (value !== undefined) fields += `,${JSON.stringify(key)}:${encodeJson(value)}`;
  }
  return fields;
}

function checkSize(text: string, maxDataBytes: number): void {
  // UTF-8 takes at most three bytes for each UTF-16 unit, so most data need not be measured.
  if (text.length * 3 <= maxDataBytes) return;
  const bytes = new TextEncoder().encode(text).length;
  if (bytes <= maxDataBytes) return;
  throw new SessionError(
    'INVALID_DATA',
    `the session's data takes ${bytes} bytes as JSON, more than maxDataBytes (${maxDataBytes}): keep large values elsewhere and store their keys here`,
  );
}

/** @throws `INVALID_DATA` unless {@link encodeBody} wrote the record and it is undamaged */
export function decodeRecord(record: SessionRecord): SessionState {
  if (!isTime(record.createdAt) || !isTime(record.expiresAt) || typeof record.version !== 'string') throw unreadable();
  const body = parseBody(record);
  const { a: authenticatedAt, l: lastActiveAt, d: stored } = body;
  if (body['v'] !== FORMAT || !isTime(authenticatedAt) || !isTime(lastActiveAt) || stored === undefined)
    throw unreadable();
  try {
    // A touch leaves the body as it is. The version holds the time of the activity.
    const activeAt = Math.max(lastActiveAt, activityIn(record.version));
    const migration = body['m'] === undefined ? undefined : readMigration(list(body['m']));
    const tokens = readTokens(body, { authenticatedAt, lastActiveAt, nonce: migration?.nonce });
    return { tokens, authenticatedAt, lastActiveAt: activeAt, migration, stored, origin: body };
  } catch (error) {
    throw error instanceof Damage ? unreadable() : error;
  }
}

function parseBody(record: SessionRecord): JsonObject {
  try {
    const body: unknown = JSON.parse(record.body);
    if (isJsonObject(body)) return body;
  } catch {
    // The parser's message quotes the text, which must not appear in an error.
  }
  throw unreadable();
}

/** A field has a type that this library does not write. */
class Damage extends Error {}

/** Values to use for fields of a pending token that version 0.1.0 does not write. */
interface Instead {
  readonly authenticatedAt: number;
  readonly lastActiveAt: number;
  readonly nonce: string | undefined;
}

function readTokens(body: JsonObject, instead: Instead): TokenState {
  const { f: family, t: madeAt, n: pending, o: previous, r: replaced, e: epoch } = body;
  const before = previous === undefined ? undefined : readPrevious(list(previous));
  // Version 0.1.0 ends a token before this time. The clock of another server may be behind.
  const former = before && isFormer(list(previous)) && before.until <= instead.lastActiveAt ? before : undefined;
  return {
    current: text(body['k']),
    family: family === undefined ? undefined : text(family),
    madeAt: madeAt === undefined ? undefined : time(madeAt),
    pending: pending === undefined ? undefined : readPending(list(pending), instead),
    previous: former ? { ...former, until: 0 } : before,
    replaced:
      replaced === undefined
        ? former && [{ mark: markOf(former.hash), until: former.until }]
        : readReplaced(list(replaced)),
    epoch: epoch === undefined ? undefined : text(epoch),
  };
}

/**
 * Version 0.1.0 does not record when it made a pending token, nor its kind. It recorded activity
 * at that moment, so the token is at least as old as the activity. A renewed `authenticatedAt`
 * shows the kind. The token of a moved session was derived with the nonce.
 */
function readPending(items: readonly JsonValue[], instead: Instead): PendingToken {
  const pending = { hash: text(items[0]), authenticatedAt: time(items[1]) };
  if (isFormer(items)) {
    const kind = pending.authenticatedAt === instead.authenticatedAt ? 'plain' : 'reauthenticated';
    return { ...pending, madeAt: instead.lastActiveAt, kind, salt: instead.nonce };
  }
  return {
    ...pending,
    madeAt: time(items[2]),
    kind: kindOf(items[3]),
    salt: items[4] === undefined ? undefined : text(items[4]),
  };
}

function readPrevious(items: readonly JsonValue[]): PreviousToken {
  return {
    hash: text(items[0]),
    until: time(items[1]),
    authenticatedAt: isFormer(items) ? 0 : time(items[2]),
    kind: items[3] === undefined ? undefined : kindOf(items[3]),
    salt: items[4] === undefined ? undefined : text(items[4]),
  };
}

/** Whether version 0.1.0 wrote this pending or previous token. */
function isFormer(items: readonly JsonValue[]): boolean {
  return items.length === 2;
}

function readReplaced(items: readonly JsonValue[]): ReplacedToken[] {
  const replaced: ReplacedToken[] = [];
  for (let at = 0; at < items.length; at += 2) replaced.push({ mark: text(items[at]), until: time(items[at + 1]) });
  return replaced;
}

function readMigration(items: readonly JsonValue[]): Migration {
  const stage = STAGES[time(items[1])];
  if (!stage) throw new Damage();
  return { nonce: text(items[0]), stage };
}

function kindOf(value: JsonValue | undefined): RotationKind {
  const kind = KINDS[time(value)];
  if (!kind) throw new Damage();
  return kind;
}

function text(value: JsonValue | undefined): string {
  if (typeof value !== 'string') throw new Damage();
  return value;
}

function time(value: JsonValue | undefined): number {
  if (!isTime(value)) throw new Damage();
  return value;
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (!Array.isArray(value)) throw new Damage();
  return value;
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
