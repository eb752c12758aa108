/**
 * Sessions for Hono 4.
 *
 * @module token-sessions/hono
 */

export { honoSessions } from './middleware.js';
