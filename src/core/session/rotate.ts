import { SessionError } from '../error.js';
import { eventOf } from '../events.js';
import { type Holder, type RotationOutcome, rotate as rotateTokens } from '../record/rotation.js';
import type { Credential } from '../record/token.js';
import type { RotateOptions } from '../types.js';
import { active } from './draft.js';
import type { HeldSession } from './held-session.js';

/** The token that a rotation answers with. */
export interface Rotated {
  readonly credential: Credential;
  readonly authenticatedAt: number;
}

/**
 * Gives a session a new token, or the one that others who asked with the same token got.
 *
 * @param holder the tokens of the call; `null` for the server's own use
 * @throws `TOKEN_REPLACED` · `SESSION_GONE` · `CONFLICT`
 */
export async function rotate(held: HeldSession, holder: Holder | null, options: RotateOptions): Promise<Rotated> {
  const { settings, events } = held.services;
  let outcome: Exclude<RotationOutcome, { kind: 'refuse' }> | undefined;
  const snapshot = await held.submit((content) => {
    const made = rotateTokens(content.state, held.id, holder, options, { now: settings.now(), grace: settings.rotationGrace });
    if (made.kind === 'refuse') throw refusal(made.why);
    outcome = made;
    return made.kind === 'answer' ? content : active(held, { ...content, state: made.state });
  });
  if (!outcome) throw refusal('replaced');
  if (outcome.kind === 'write' && outcome.made) {
    events.emit('rotated', { ...eventOf(snapshot.record), reason: options.immediate ? 'immediate' : 'pending' });
  }
  return outcome;
}

function refusal(why: 'replaced' | 'waiting'): SessionError {
  const message =
    why === 'replaced'
      ? 'the token of this request has been replaced: the client must use the one that it was given'
      : 'another new token waits for its first use: the client must fetch that one by a plain rotate(), use it, and repeat';
  return new SessionError('TOKEN_REPLACED', message);
}
