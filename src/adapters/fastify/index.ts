/**
 * Sessions for Fastify 5.
 *
 * @module token-sessions/fastify
 */

export { fastifySessions } from './plugin.js';
