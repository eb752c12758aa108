/**
 * Sessions for GraphQL Yoga 5, and for every server on Envelop.
 *
 * @module token-sessions/yoga
 */

export { requireFresh, requireSession } from '../../http/guards.js';
export type { SessionPlugin } from './hooks.js';
export { type SessionKey, sessionKey } from './session-key.js';
export { useSession } from './use-session.js';
