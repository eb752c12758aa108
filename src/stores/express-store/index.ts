/**
 * Stores that were written for express-session, and the sessions in them.
 *
 * @module token-sessions/express-store
 */

export type { CallbackStore } from './callback-store.js';
export { type ExpressLegacyOptions, expressLegacy } from './legacy.js';
export { type ExpressStore, type ExpressStoreOptions, expressStore } from './store.js';
