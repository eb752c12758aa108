import { isSessionId } from '../../core/record/token.js';
import { RESERVED } from './envelope.js';

/**
 * The ids of the library's own sessions in the argument of an `all` callback: an array or an
 * object, whose values may be encoded as text.
 */
export function ownIds(sessions: unknown): string[] {
  if (typeof sessions !== 'object' || sessions === null) return [];
  return Object.values(sessions)
    .map((session: unknown) => field(field(typeof session === 'string' ? parsed(session) : session, RESERVED), 'id'))
    .filter(isSessionId);
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
