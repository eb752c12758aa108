import type { JsonValue } from '../../core/data/json.js';
import { encodeBody } from '../../core/record/codec.js';
import { newCredential, newVersion } from '../../core/record/token.js';
import type { SessionRecord } from '../../core/store.js';
import type { Clock } from './clock.js';

export const HOUR = 3_600_000;

/** A record as the library writes it, for a session that was created now and ends in an hour. */
export function newRecord(clock: Clock, fields: Partial<SessionRecord> = {}): SessionRecord {
  const now = clock.now();
  return {
    id: newId(),
    version: newVersion(),
    createdAt: now,
    expiresAt: now + HOUR,
    body: bodyOf({ user: 'ada' }, now),
    ...fields,
  };
}

/** A record that replaces another: the same session, written again. */
export function rewritten(record: SessionRecord, fields: Partial<SessionRecord> = {}): SessionRecord {
  return {
    ...record,
    version: newVersion(),
    expiresAt: record.expiresAt + 1,
    body: bodyOf({ user: newVersion() }, record.createdAt),
    ...fields,
  };
}

/** The body of a session with this data. */
export function bodyOf(data: JsonValue, now = 0): string {
  const tokens = { current: newCredential().hash };
  return encodeBody({ tokens, authenticatedAt: now, lastActiveAt: now, stored: data }, Number.POSITIVE_INFINITY);
}

export function newId(): string {
  return newCredential().id;
}

/** The results of `count` calls that run in parallel. */
export function together<Result>(count: number, call: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}
