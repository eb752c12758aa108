import type { JsonValue } from '../data/json.js';
import type { Settings } from '../kernel/settings.js';
import type { SessionRecord } from '../store.js';
import { encodeBody, type SessionState } from './codec.js';
import { deadlineOf, effectiveDeadline, NEVER } from './deadline.js';
import { newVersion } from './token.js';

/** A session's state, and its data as the schema reads it. Never changed and never handed out: drafts are copies. */
export interface Content {
  readonly state: SessionState;
  readonly data: JsonValue;
}

/** {@link Content} as it stands in a record. */
export interface Snapshot extends Content {
  readonly record: SessionRecord;
  /** The earlier of the record's deadline and that of today's limits, in ms since the epoch. */
  readonly deadline: number;
  /** Later snapshots of a process have greater numbers: of two of one session, the greater is as new or newer. */
  readonly order: number;
}

let lastOrder = 0;

/** What a record says, its data as the schema reads it. */
export function snapshotOf(record: SessionRecord, content: Content, settings: Settings): Snapshot {
  lastOrder += 1;
  const deadline = effectiveDeadline(record, content.state, settings.limits);
  return { record, state: content.state, data: content.data, deadline, order: lastOrder };
}

/** The record of a new session, which ends at `latest` at the latest unless it is used. */
export function firstSnapshot(
  id: string,
  ownerId: string | undefined,
  content: Content,
  settings: Settings,
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

/** The record that takes the place of `from`. Only activity moves the deadline. */
export function nextSnapshot(from: Snapshot, content: Content, settings: Settings): Snapshot {
  const active = content.state.lastActiveAt > from.state.lastActiveAt;
  const record: SessionRecord = {
    ...from.record,
    version: newVersion(),
    expiresAt: active ? deadlineOf(from.record.createdAt, content.state.lastActiveAt, settings.limits) : from.deadline,
    body: encodeBody(content.state, settings.maxDataBytes),
  };
  return snapshotOf(record, content, settings);
}

/** The longest that a session can go on, however much it is used, in ms. */
export function lifetimeOf({ record }: Snapshot, { limits, now }: Settings): number {
  return Math.min(record.createdAt + limits.absolute, NEVER) - now();
}
