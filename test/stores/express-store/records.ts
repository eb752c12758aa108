import type { JsonValue } from '../../../src/core/data/json.js';
import { encodeBody } from '../../../src/core/record/codec.js';
import { newCredential, newVersion } from '../../../src/core/record/token.js';
import type { SessionRecord } from '../../../src/index.js';

export const HOUR = 3_600_000;

/** A record as the library writes it. */
export function recordOf(data: JsonValue, fields: Partial<SessionRecord> = {}): SessionRecord {
  const { id, hash } = newCredential();
  const body = encodeBody({ tokens: { current: hash }, authenticatedAt: 1, lastActiveAt: 2, stored: data }, 1_000_000);
  return { id, version: newVersion(), createdAt: 1, expiresAt: 3, body, ...fields };
}
