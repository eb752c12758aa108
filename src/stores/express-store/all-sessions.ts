import { RESERVED } from './envelope.js';

/** A record's id, and nothing that a store could take for a path or a pattern. */
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function isRecordId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

/** The ids of the library's own sessions among those that `all` has called back with: in an array or by key, some as text. */
export function ownIds(sessions: unknown): string[] {
  if (typeof sessions !== 'object' || sessions === null) return [];
  return Object.values(sessions)
    .map((session: unknown) => field(field(typeof session === 'string' ? parsed(session) : session, RESERVED), 'id'))
    .filter(isRecordId);
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
