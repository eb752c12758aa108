import type { SessionState, TokenState } from './state.js';
import { type Credential, hasMark, sameHash } from './token.js';

/** How far the clocks of two servers may differ: 60 s, in ms. */
export const MINUTE = 60_000;

/**
 * How a token relates to a session. Only the first three give access. `'replaced-recently'`: an
 * honest request that is still on its way may bring it. `'reused'`: it once was the session's
 * token, and comes back too late.
 */
export type TokenMatch = 'current' | 'pending' | 'grace' | 'replaced-recently' | 'reused' | 'unknown';

export function recognise(tokens: TokenState, credential: Credential, now: number): TokenMatch {
  const { hash } = credential;
  if (sameHash(tokens.current, hash)) return 'current';
  if (tokens.pending && sameHash(tokens.pending.hash, hash)) return 'pending';
  const { previous } = tokens;
  const isPrevious = previous !== undefined && sameHash(previous.hash, hash);
  if (isPrevious && now < previous.until) return 'grace';
  if (isPrevious && isRecent(previous, now)) return 'replaced-recently';
  return recogniseReplaced(tokens, credential, isPrevious, now);
}

/** Hashes the family only here, for a token that is refused in any case. */
function recogniseReplaced(
  { family, replaced }: TokenState,
  credential: Credential,
  isPrevious: boolean,
  now: number,
): TokenMatch {
  const recent = (replaced ?? []).filter((each) => isRecent(each, now));
  if (recent.some(({ mark }) => hasMark(credential.hash, mark))) return 'replaced-recently';
  if (!isPrevious && !credential.isOf(family)) return 'unknown';
  return recent.some(({ mark }) => mark === '') ? 'replaced-recently' : 'reused';
}

/** The `authenticatedAt` of a token with this match. `undefined` if it gives no access. */
export function authenticatedAtOf({ tokens, authenticatedAt }: SessionState, match: TokenMatch): number | undefined {
  if (match === 'current') return authenticatedAt;
  if (match === 'pending') return tokens.pending?.authenticatedAt;
  return match === 'grace' ? tokens.previous?.authenticatedAt : undefined;
}

/** The rights of a client in a session, by its tokens. */
export interface Standing {
  /** Whether the client has only a replaced token, which is in its grace. */
  readonly replaced: boolean;
  readonly authenticatedAt: number;
}

/** Returns `undefined` if none of these tokens gives access to the session. */
export function standingOf(
  state: SessionState,
  credentials: readonly Credential[],
  now: number,
): Standing | undefined {
  let best: Standing | undefined;
  for (const credential of credentials) {
    const match = recognise(state.tokens, credential, now);
    const authenticatedAt = authenticatedAtOf(state, match);
    if (authenticatedAt === undefined) continue;
    best = {
      replaced: match === 'grace' && best?.replaced !== false,
      authenticatedAt: Math.max(authenticatedAt, best?.authenticatedAt ?? 0),
    };
  }
  return best;
}

/**
 * Whether an honest request that is still on its way may bring a token whose grace ends at
 * `until`.
 */
export function isRecent({ until }: { readonly until: number }, now: number): boolean {
  return now < until + MINUTE;
}
