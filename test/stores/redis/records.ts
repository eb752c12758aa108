import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import type { SessionRecord } from '../../../src/core/store.js';

export const HOUR = 3_600_000;

export function version(): string {
  return randomBytes(12).toString('base64url');
}

/** A record as the library creates it, an hour before its end. */
export function record(changes: Partial<SessionRecord> = {}): SessionRecord {
  const createdAt = changes.createdAt ?? Date.now();
  return {
    id: v7(),
    version: version(),
    createdAt,
    expiresAt: createdAt + HOUR,
    body: '{"d":{"name":"Zoë"}}',
    ...changes,
  };
}

/** The record after a write. */
export function changed(from: SessionRecord, changes: Partial<SessionRecord> = {}): SessionRecord {
  return { ...from, version: version(), ...changes };
}
