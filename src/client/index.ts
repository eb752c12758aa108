export { createSessionClient } from './create-client.js';
export { type SessionProblem, sessionProblem } from './problem.js';
export { type TRPCSessionLink, trpcSessionLink } from './trpc-link.js';
export type { SessionChange, SessionClient, SessionClientOptions, StepUpNeed, TokenStorage } from './types.js';
