import { isSessionError } from '../error.js';
import type { Credential } from '../record/token.js';
import type { HeldSession } from './held-session.js';
import type { SessionRequest } from './request.js';
import type { CallSession, Grant } from './session.js';

/** What a new session takes the place of. */
export type Previous = HeldSession | { readonly unreadable: Credential } | null;

/** What a call acts for. */
export interface Acting {
  readonly held: HeldSession | null;
  readonly grant: Grant;
  readonly session: CallSession<unknown> | null;
}

/** A session that a call has created and that has not taken effect yet. */
export interface Login {
  readonly held: HeldSession;
  readonly credential: Credential;
  readonly previous: Previous;
  /** The root field that created it, in a GraphQL mutation. */
  readonly field: string | undefined;
  /** What the call acted for before. */
  readonly before: Acting;
}

/** Makes a login take effect: ends what it replaces, and hands the token to the response. */
export async function activate({ held, credential, previous }: Login, request: SessionRequest): Promise<void> {
  const ended = await endedBy(previous, request);
  await request.services.lifecycle.activate(held.snapshot, ended);
  if (previous && !('unreadable' in previous)) previous.markEnded();
  await request.issue(held, credential);
}

/** Removes a session that did not take effect. */
export async function takeBack({ held, previous }: Pick<Login, 'held' | 'previous'>): Promise<void> {
  held.markEnded();
  if (previous && !('unreadable' in previous)) previous.replacing(-1);
  await held.services.lifecycle.takeBack(held.id);
}

/** The session to end. One that could not be read is read again: only a token that opens it may end it. */
async function endedBy(previous: Previous, { services }: SessionRequest) {
  if (!previous) return null;
  if ('unreadable' in previous) return services.authentication.proves(previous.unreadable).catch(nullIfInvalid);
  return previous.isEnded ? null : previous.snapshot.record;
}

/** Hashes that cannot be parsed prove nothing. */
export function nullIfInvalid(error: unknown): null {
  if (isSessionError(error) && error.code === 'INVALID_DATA') return null;
  throw error;
}
