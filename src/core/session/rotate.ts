import { SessionError } from '../error.js';
import { eventOf } from '../events.js';
import { type Holder, type RotationOutcome, rotate as rotateTokens } from '../record/rotation.js';
import type { Credential } from '../record/token.js';
import type { RotateOptions } from '../types.js';
import { active } from './draft.js';
import type { HeldSession } from './held-session.js';

/** The token that a rotation returns. */
export interface Rotated {
  readonly credential: Credential;
  readonly authenticatedAt: number;
  /** The epoch that the token belongs to. See `TokenState`. */
  readonly epoch: string | undefined;
  /** Whether a client can ask for the same token again. It cannot after `immediate`. */
  readonly isRepeatable: boolean;
}

/** The outcome, and whether it was decided on the store's newest record. */
interface Attempt {
  readonly outcome: RotationOutcome;
  readonly epoch: string | undefined;
  readonly isCertain: boolean;
}

/** Each further attempt means that another write came in between. */
const MAX_ATTEMPTS = 100;

/**
 * Gives a session a new token. If another call already rotated the same token, it gives the token
 * that this call received.
 *
 * An outcome without a write is not compared with the store. So it is decided again after a fresh
 * read: a long call may have read its record long ago.
 *
 * @param holder the tokens of the call; `null` when the server itself rotates
 * @throws `TOKEN_REPLACED` · `SESSION_GONE` · `CONFLICT`
 */
export async function rotate(held: HeldSession, holder: Holder | null, options: RotateOptions): Promise<Rotated> {
  let newest: string | undefined;
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts += 1) {
    const { outcome, epoch, isCertain } = await attempt(held, holder, options, newest);
    if (isCertain && outcome.kind === 'refuse') throw refusal(outcome.why);
    if (isCertain && outcome.kind !== 'refuse') return { ...outcome, epoch, isRepeatable: !options.immediate };
    newest = (await held.reload()).record.version;
  }
  throw new SessionError(
    'CONFLICT',
    'another request changed the session at each attempt to rotate its token: try again later',
  );
}

async function attempt(
  held: HeldSession,
  holder: Holder | null,
  options: RotateOptions,
  newest?: string,
): Promise<Attempt> {
  const { settings, events } = held.services;
  const timing = () => ({ now: settings.now(), grace: settings.rotationGrace });
  let made:
    | { readonly outcome: RotationOutcome; readonly epoch: string | undefined; readonly version: string }
    | undefined;
  const snapshot = await held.submit((content, { version }) => {
    const outcome = rotateTokens(content.state, held.id, holder, options, timing());
    const state = outcome.kind === 'write' ? outcome.state : content.state;
    made = { outcome, epoch: state.tokens.epoch, version };
    return outcome.kind === 'write' ? active(held, { ...content, state }) : content;
  });
  if (!made) throw new TypeError('the write queue returned without calling the change');
  const { outcome, epoch, version } = made;
  const isWritten = snapshot.record.version !== version;
  if (outcome.kind === 'write' && outcome.made) {
    events.emit('rotated', { ...eventOf(snapshot.record), reason: options.immediate ? 'immediate' : 'pending' });
  }
  return { outcome, epoch, isCertain: isWritten || version === newest };
}

function refusal(why: 'replaced' | 'waiting'): SessionError {
  const message =
    why === 'replaced'
      ? 'the token of this request has been replaced: the client must use the token that replaced it'
      : 'another new token waits for its first use: the client must fetch it with a plain rotate(), use it, and repeat';
  return new SessionError('TOKEN_REPLACED', message);
}
