import type { TokenMatch } from './match.js';
import type { SessionState, TokenState } from './state.js';
import { sameHash } from './token.js';

/*
 * Rotation as version 0.1.0 did it, for the callers that have not moved to `rotate`, `firstUse` and `recognise`. To be removed with
 * the last of them.
 */

export function matchToken(tokens: TokenState, hash: string, now: number): TokenMatch {
  if (sameHash(tokens.current, hash)) return 'current';
  if (tokens.pending && sameHash(tokens.pending.hash, hash)) return 'pending';
  if (tokens.previous && sameHash(tokens.previous.hash, hash)) return now < tokens.previous.until ? 'grace' : 'reused';
  return 'unknown';
}

export function opens(tokens: TokenState, hashes: readonly string[], now: number): boolean {
  return hashes.some((hash) => {
    const match = matchToken(tokens, hash, now);
    return match !== 'unknown' && match !== 'reused';
  });
}

export function promotePending(state: SessionState, now: number, grace: number): SessionState {
  const { migration: _, ...rest } = state;
  const { pending, current } = state.tokens;
  if (!pending) return state;
  const previous = { hash: current, until: now + grace, authenticatedAt: state.authenticatedAt };
  return { ...rest, tokens: { current: pending.hash, previous }, authenticatedAt: pending.authenticatedAt };
}

export function addPending(state: SessionState, hash: string, authenticatedAt: number): SessionState {
  const kind = authenticatedAt === state.authenticatedAt ? 'plain' : 'reauthenticated';
  return { ...state, tokens: { ...state.tokens, pending: { hash, authenticatedAt, kind, madeAt: state.lastActiveAt } } };
}

export function replaceCurrent(state: SessionState, hash: string, authenticatedAt: number, now: number): SessionState {
  const { migration: _, ...rest } = state;
  const previous = { hash: state.tokens.current, until: now, authenticatedAt: state.authenticatedAt };
  return { ...rest, tokens: { current: hash, previous }, authenticatedAt };
}
