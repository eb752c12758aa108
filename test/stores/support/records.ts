import { v7 } from 'uuid';
import type { SessionRecord } from '../../../src/index.js';

export const NOW = Date.UTC(2030, 0, 1);
export const HOUR = 3_600_000;

let versions = 0;

export function newVersion(): string {
  versions += 1;
  return `version-${versions}`;
}

/** A record as the library would write it. */
export function record(fields: Partial<SessionRecord> = {}): SessionRecord {
  return { id: v7(), version: newVersion(), createdAt: NOW, expiresAt: NOW + HOUR, body: '{"v":1}', ...fields };
}

/** The same session, written again. */
export function rewritten(old: SessionRecord, fields: Partial<SessionRecord> = {}): SessionRecord {
  return { ...old, version: newVersion(), ...fields };
}

/**
 * Owners with text that SQL cannot hold or interprets, and similar owners that must stay distinct.
 */
export const STRANGE_OWNERS = [
  'plain',
  '',
  "o'neill",
  'back\\slash',
  "'; DROP TABLE token_sessions; --",
  '\0',
  'a\0b',
  'a',
  'ab',
  '\u001a0000',
  '\u001a',
  '\ud800',
  '\udc00',
  '\ufffd',
  '\udc00\ud800',
  '😀',
  '{braces}:and*glob?',
  'İstanbul',
  'i\u0307stanbul',
  'long '.repeat(2000),
  // Hardly compressible, and so too long for an entry of a B-tree.
  Array.from({ length: 10_000 }, (_, index) =>
    String.fromCharCode(33 + ((index * index * 7919 + index * 31) % 9000)),
  ).join(''),
].filter((owner) => owner !== '');
