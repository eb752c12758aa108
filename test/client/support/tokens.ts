import { randomBytes, randomUUID } from 'node:crypto';

/** A token as the library makes it: for a new session, or for the one with this id. */
export function newToken(id: string = newId()): string {
  return `ts_${id}.${randomBytes(32).toString('base64url')}`;
}

export function newId(): string {
  return randomUUID();
}

export function idOf(token: string): string {
  return token.slice('ts_'.length, token.indexOf('.'));
}
