import type { JsonValue } from '../data/json.js';
import type { SessionRecord } from '../store.js';
import { encodeBody, type SessionState } from './codec.js';
import { deadlineOf, effectiveDeadline, type Limits, NEVER } from './deadline.js';
import { knownOwner } from './owner.js';
import { newVersion, touchVersion } from './token.js';
import { isUntidy, tidied } from './upkeep.js';

/** The options for reading and writing records. */
export interface RecordSettings {
  readonly limits: Limits;
  readonly maxDataBytes: number;
  readonly ownerOf: ((data: JsonValue) => unknown) | undefined;
  readonly now: () => number;
}

/**
 * A session's state, and its data as the schema returned it. It never changes and is never given
 * out: drafts are copies.
 */
export interface Content {
  readonly state: SessionState;
  readonly data: JsonValue;
}

/** {@link Content} as a record holds it. */
export interface Snapshot extends Content {
  readonly record: SessionRecord;
  /**
   * The earlier one of the record's deadline and the deadline by today's limits, in ms since 1970.
   */
  readonly deadline: number;
  /**
   * Grows with each record that the process decodes. With a connection pool, an older read may
   * have a greater number.
   */
  readonly order: number;
}

let lastOrder = 0;

/** The snapshot of a record, with the data as the schema returned it. */
export function snapshotOf(record: SessionRecord, content: Content, settings: RecordSettings): Snapshot {
  lastOrder += 1;
  const deadline = effectiveDeadline(record, content.state, settings.limits);
  return { record, state: content.state, data: content.data, deadline, order: lastOrder };
}

/** The first record of a session. Unless it is used, the session ends at `latest` or earlier. */
export function firstSnapshot(
  id: string,
  ownerId: string | undefined,
  content: Content,
  settings: RecordSettings,
  latest = Number.POSITIVE_INFINITY,
): Snapshot {
  const createdAt = content.state.lastActiveAt;
  const record: SessionRecord = {
    id,
    version: newVersion(),
    ...(ownerId !== undefined && { ownerId }),
    createdAt,
    expiresAt: Math.min(deadlineOf(createdAt, createdAt, settings.limits), latest),
    body: encodeBody(content.state, settings.maxDataBytes),
  };
  return snapshotOf(record, content, settings);
}

/**
 * The record that replaces `from`. Only activity moves the deadline. A session that is older than
 * the option `ownerOf` gets its owner here.
 */
export function nextSnapshot(from: Snapshot, content: Content, settings: RecordSettings): Snapshot {
  const isActive = content.state.lastActiveAt > from.state.lastActiveAt;
  const state = { ...content.state, tokens: tidied(content.state.tokens, settings.now()) };
  // Old data that `ownerOf` does not understand is no reason to refuse a write.
  const ownerId = from.record.ownerId ?? knownOwner(settings, content.data) ?? undefined;
  // Only new data is measured: a lowered limit must not end sessions that exist.
  const maxDataBytes = state.stored === from.state.stored ? Number.POSITIVE_INFINITY : settings.maxDataBytes;
  const record: SessionRecord = {
    ...from.record,
    version: newVersion(),
    ...(ownerId !== undefined && { ownerId }),
    expiresAt: isActive ? deadlineOf(from.record.createdAt, state.lastActiveAt, settings.limits) : from.deadline,
    body: encodeBody(state, maxDataBytes),
  };
  return snapshotOf(record, { state, data: content.data }, settings);
}

/**
 * The record that replaces `from` when only the time of the last activity changes. Its body stays
 * as it is. Returns `null` if the body must be written. That is also necessary when the time of
 * activity in the body is old: version 0.1.0 reads that time.
 */
export function touchedSnapshot(from: Snapshot, content: Content, settings: RecordSettings): Snapshot | null {
  const { state, record } = from;
  const { lastActiveAt, tokens, stored, migration, authenticatedAt } = content.state;
  const isSame = tokens === state.tokens && stored === state.stored && migration === state.migration;
  if (!isSame || authenticatedAt !== state.authenticatedAt || content.data !== from.data) return null;
  const written = state.origin?.['l'];
  const inBody = typeof written === 'number' ? written : record.createdAt;
  if (lastActiveAt - inBody > settings.limits.idle / 2 || isUntidy(tokens, settings.now())) return null;
  if (record.ownerId === undefined && knownOwner(settings, content.data)) return null;
  const expiresAt = deadlineOf(record.createdAt, lastActiveAt, settings.limits);
  return snapshotOf({ ...record, version: touchVersion(lastActiveAt), expiresAt }, content, settings);
}

/** The longest time that a session can still live, however much it is used, in ms. */
export function lifetimeOf({ record }: Snapshot, { limits, now }: RecordSettings): number {
  return Math.min(record.createdAt + limits.absolute, NEVER) - now();
}
