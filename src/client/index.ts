/**
 * The browser's or app's side: keeps the token, and repeats what was refused for an old one.
 *
 * @module token-sessions/client
 */

export { createSessionClient } from './create-client.js';
export { type SessionProblem, sessionProblem } from './problem.js';
export { type TRPCSessionLink, trpcSessionLink } from './trpc-link.js';
export type { SessionChange, SessionClient, SessionClientOptions, StepUpNeed, TokenStorage } from './types.js';
