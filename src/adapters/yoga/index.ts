export { requireFresh, requireSession } from '../../http/guards.js';
export type { SessionPlugin } from './hooks.js';
export { type SessionKey, sessionKey } from './session-key.js';
export { useSession } from './use-session.js';
