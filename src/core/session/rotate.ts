import { gone } from '../error.js';
import { eventOf } from '../events.js';
import { addPending, opens, replaceCurrent } from '../record/rotation.js';
import { mintToken } from '../record/token.js';
import type { RotateOptions } from '../types.js';
import { active } from './draft.js';
import type { HeldSession } from './held-session.js';

/** Gives a session a new token. @throws `SESSION_GONE` also when the request's token has been replaced by now */
export async function rotate(held: HeldSession, options: RotateOptions): Promise<string> {
  const { settings, events } = held.services;
  const { hash, token } = mintToken(settings.tokenPrefix, held.id);
  const snapshot = await held.submit((content) => {
    const now = settings.now();
    if (held.hashes && !opens(content.state.tokens, held.hashes, now)) throw gone();
    const authenticatedAt = options.reauthenticated ? now : content.state.authenticatedAt;
    const state = options.immediate
      ? replaceCurrent(content.state, hash, authenticatedAt, now)
      : addPending(content.state, hash, authenticatedAt);
    return active(held, { ...content, state });
  });
  held.hashes?.push(hash);
  events.emit('rotated', { ...eventOf(snapshot.record), reason: options.immediate ? 'immediate' : 'pending' });
  return token;
}
