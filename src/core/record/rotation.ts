import type { SessionState, TokenHashes } from './codec.js';
import { sameHash } from './token.js';

/*
 * A rotation, as the record sees it:
 *
 *   rotate            current A                  ->  current A, pending B      A stays valid: B's answer may be lost
 *   rotate again      current A, pending B       ->  current A, pending C      B is void
 *   C is used         current A, pending C       ->  current C, previous A     A is valid until now + grace
 *   A after its grace                                refused, and told as a reuse
 *   immediate         current A                  ->  current B, previous A     A ends at once
 */

/** What a token's hash is to a session. */
export type TokenMatch = 'current' | 'pending' | 'grace' | 'reused' | 'unknown';

export function matchToken(tokens: TokenHashes, hash: string, now: number): TokenMatch {
  if (sameHash(tokens.current, hash)) return 'current';
  if (tokens.pending && sameHash(tokens.pending.hash, hash)) return 'pending';
  if (tokens.previous && sameHash(tokens.previous.hash, hash)) return now < tokens.previous.until ? 'grace' : 'reused';
  return 'unknown';
}

/** Whether any of these hashes opens the session. */
export function opens(tokens: TokenHashes, hashes: readonly string[], now: number): boolean {
  return hashes.some((hash) => {
    const match = matchToken(tokens, hash, now);
    return match !== 'unknown' && match !== 'reused';
  });
}

/** The pending token was used: it is the current one now, and its predecessor has `grace` ms left. */
export function promotePending(state: SessionState, now: number, grace: number): SessionState {
  const { migration: _, ...rest } = state;
  const { pending, current } = state.tokens;
  if (!pending) return state;
  return {
    ...rest,
    tokens: { current: pending.hash, previous: { hash: current, until: now + grace } },
    authenticatedAt: pending.authenticatedAt,
  };
}

export function addPending(state: SessionState, hash: string, authenticatedAt: number): SessionState {
  return { ...state, tokens: { ...state.tokens, pending: { hash, authenticatedAt } } };
}

export function replaceCurrent(state: SessionState, hash: string, authenticatedAt: number, now: number): SessionState {
  const { migration: _, ...rest } = state;
  return { ...rest, tokens: { current: hash, previous: { hash: state.tokens.current, until: now } }, authenticatedAt };
}
