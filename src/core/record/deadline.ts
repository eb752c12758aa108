import type { SessionRecord } from '../store.js';
import type { SessionState } from './codec.js';

/** The last moment that a `Date` can hold. It is the deadline of sessions without a limit. */
export const NEVER = 8.64e15;

/** The limits on a session's life, in ms; `Infinity` for none. */
export interface Limits {
  readonly idle: number;
  readonly absolute: number;
}

/** When a session ends that was created and last active at these times. */
export function deadlineOf(createdAt: number, lastActiveAt: number, limits: Limits): number {
  return Math.min(createdAt + limits.absolute, lastActiveAt + limits.idle, NEVER);
}

/**
 * When a stored session ends: by the limits that it was written with, or by today's limits. The
 * earlier one counts.
 */
export function effectiveDeadline(record: SessionRecord, state: SessionState, limits: Limits): number {
  return Math.min(record.expiresAt, deadlineOf(record.createdAt, state.lastActiveAt, limits));
}
