import { gone, nullIfInvalid } from '../error.js';
import type { Credential } from '../record/token.js';
import type { Acting } from './acting.js';
import type { HeldSession } from './held-session.js';
import type { SessionRequest } from './request.js';

/** The session that a new one replaces. */
export type Previous = HeldSession | { readonly unreadable: Credential } | null;

/** A session that a call has created and that has not taken effect yet. */
export interface Login {
  readonly held: HeldSession;
  readonly credential: Credential;
  readonly previous: Previous;
  /** The root field that created it, in a GraphQL mutation. */
  readonly field: string | undefined;
  /** The session that the call acted for before. */
  readonly before: Acting;
}

/** The session that a login replaces, if it could be read. */
export function heldBefore({ previous }: Pick<Login, 'previous'>): HeldSession | null {
  return previous && !('unreadable' in previous) ? previous : null;
}

/** @throws `SESSION_GONE` if something else has ended the new session while it waited */
export async function assertWaits(login: Login): Promise<void> {
  if (!login.held.isEnded) return;
  await takeBack(login);
  throw gone();
}

/** Makes a login take effect: ends the session that it replaces, and issues the token. */
export async function activate(login: Login, request: SessionRequest): Promise<void> {
  const { held, credential, previous } = login;
  const ended = await endedBy(previous, request);
  await request.services.lifecycle.activate(held.snapshot, ended, request.replacedBy(held));
  heldBefore(login)?.markEnded();
  await request.issue(held, credential);
}

/** Removes a session that has not taken effect. */
export async function takeBack(login: Pick<Login, 'held' | 'previous'>): Promise<void> {
  login.held.markEnded();
  heldBefore(login)?.replacing(-1);
  await login.held.services.lifecycle.takeBack(login.held.id);
}

/** The record to end. An unreadable one is read again: only a token that fits it may end it. */
async function endedBy(previous: Previous, { services }: SessionRequest) {
  if (!previous) return null;
  // Hashes that cannot be parsed prove nothing.
  if ('unreadable' in previous) return services.authentication.proves(previous.unreadable).catch(nullIfInvalid);
  return previous.isEnded ? null : previous.snapshot.record;
}
