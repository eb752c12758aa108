import { MINUTE } from './match.js';
import type { PendingToken, PreviousToken, RotationKind, SessionState, TokenState } from './state.js';
import { type Credential, markOf, newCredential, newSalt, sameHash } from './token.js';
import { asReplaced, remember } from './upkeep.js';

/*
 * The tokens of a session during a rotation. B is derived from A's secret and s, a random value
 * (salt) in the record.
 *
 *   created        rotate by A        first use of B             a write after the grace
 *            ──────────────────▶   ──────────────────────▶   ──────────────────────────▶
 *   current A      current A          current  B                 current  B
 *                  pending B, s       previous A, s, grace       previous A (for a minute more)
 *
 *   event                                  outcome
 *   ─────────────────────────────────────  ─────────────────────────────────────────────────────
 *   rotate by A, nothing pending           B is pending. A stays valid until B is used: the
 *                                          answer may be lost
 *   … again by A, of the same kind         the same B, derived; a reauthenticated B is renewed
 *   … by A, of the other kind              refused; but a reauthenticated B that is unused for a
 *                                          minute is replaced
 *   … by A, if B cannot be derived         refused for a minute after B was made, then B is
 *                                          replaced
 *   … by a call that A let in before the   B, if both are of one kind, B is still current,
 *     first use of B                       nothing is pending and A is in its grace; a
 *                                          reauthenticated B is renewed. Otherwise refused
 *   … by a call that A let in after it     refused: a replaced token gains nothing
 *   … immediate, by A while it is current  C, random, is current; A, B and all others end,
 *                                          whatever clocks say. A new epoch begins, which ends
 *                                          the streams of the old one
 *   … immediate, by any other token        refused
 *   … by the server, find(id).rotate()     a random B of a new family, pending. Refused while a
 *                                          client can fetch another B, or for a minute after one
 *                                          was made that no client can fetch
 *   … immediate, by the server             C, of a new family
 *   first use of B on two servers          one writes, the other finds B current
 *   use of A within its grace              served, with A's own authenticatedAt
 *   use of A at most a minute later        refused, no reuse: clocks differ. The same after an
 *                                          immediate
 *   use of A after that, of older tokens   refused, reported as a reuse: by A's hash, or by the
 *                                          family's
 *   use of an unknown secret               refused: ids are public
 *   move of another library's session      a plain rotation: its token is A, s is the nonce of
 *                                          the move. B brings a family
 */

/** The server's clock, and `rotationGrace`, in ms. */
export interface Timing {
  readonly now: number;
  readonly grace: number;
}

/** The tokens of a call. */
export interface Holder {
  /**
   * The token that admitted the call. On a socket, also the tokens that earlier calls received.
   */
  readonly credentials: readonly Credential[];
  /** Whether the call has only a replaced token, which is in its grace. */
  readonly replaced: boolean;
}

export interface RotationRequest {
  readonly immediate?: boolean | undefined;
  readonly reauthenticated?: boolean | undefined;
}

/** The token that a rotation returns. */
interface Handed {
  readonly credential: Credential;
  /** The `authenticatedAt` of that token. */
  readonly authenticatedAt: number;
}

export type RotationOutcome =
  /** `state` must be written before the token is given out. `made`: the token is new. */
  | (Handed & { readonly kind: 'write'; readonly state: SessionState; readonly made: boolean })
  /** Nothing must be written. */
  | (Handed & { readonly kind: 'answer' })
  /**
   * `TOKEN_REPLACED`: the token is not the current one, or another new one waits for its first
   * use.
   */
  | { readonly kind: 'refuse'; readonly why: 'replaced' | 'waiting' };

const REPLACED: RotationOutcome = { kind: 'refuse', why: 'replaced' };
const WAITING: RotationOutcome = { kind: 'refuse', why: 'waiting' };

/** Makes a used pending token the current one. Must be written before its request is served. */
export function firstUse(state: SessionState, credential: Credential, { now, grace }: Timing): SessionState {
  const { current, pending, previous, epoch } = state.tokens;
  if (!pending || !sameHash(pending.hash, credential.hash)) return state;
  const { kind, salt, madeAt, authenticatedAt } = pending;
  const replaced: PreviousToken = {
    hash: current,
    until: now + grace,
    authenticatedAt: state.authenticatedAt,
    ...(salt !== undefined && { kind, salt }),
  };
  const tokens: TokenState = {
    current: pending.hash,
    family: credential.familyHash(),
    madeAt,
    previous: replaced,
    replaced: remember(previous ? [asReplaced(previous)] : [], state.tokens, now),
    epoch,
  };
  return { ...withoutMigration(state), tokens, authenticatedAt };
}

/**
 * Rotates the token of the session with this id. `holder` is `null` when the server itself
 * rotates, because it has no token.
 */
export function rotate(
  state: SessionState,
  id: string,
  holder: Holder | null,
  request: RotationRequest,
  timing: Timing,
): RotationOutcome {
  const { tokens } = state;
  const kind = request.reauthenticated ? 'reauthenticated' : 'plain';
  if (!holder)
    return request.immediate ? endAll(state, newCredential(id), kind, timing) : offer(state, id, null, kind, timing);
  if (holder.replaced) return REPLACED;
  const using = holder.credentials.find(({ hash }) => sameHash(tokens.current, hash));
  if (using)
    return request.immediate ? endAll(state, using.sibling(), kind, timing) : offer(state, id, using, kind, timing);
  const unused = holder.credentials.find(({ hash }) => tokens.pending && sameHash(tokens.pending.hash, hash));
  // The first use was written when the token admitted the call. A store that is not atomic can
  // have lost that write.
  if (unused) return rotate(firstUse(state, unused, timing), id, holder, request, timing);
  return request.immediate ? REPLACED : repeatLate(state, holder.credentials, kind, timing.now);
}

/**
 * Offers the pending token. A call with the current token can derive it. The server (`null`)
 * cannot.
 */
function offer(
  state: SessionState,
  id: string,
  using: Credential | null,
  kind: RotationKind,
  { now, grace }: Timing,
): RotationOutcome {
  const { pending } = state.tokens;
  if (pending) {
    const next = using && derive(using, pending.salt, pending.hash);
    if (next && pending.kind === kind) return handAgain(state, pending, next, now);
    const fetchable = using ? next !== null : pending.salt !== undefined;
    if ((fetchable && pending.kind === 'plain') || now - pending.madeAt < MINUTE) return WAITING;
  }
  // The first token of a moved session is derived with the nonce, by version 0.1.0 too. A token
  // that was replaced must not come back.
  const salt = using ? ((pending ? undefined : state.migration?.nonce) ?? newSalt()) : undefined;
  const credential = using && salt !== undefined ? using.successor(salt) : newCredential(id);
  const authenticatedAt = kind === 'plain' ? state.authenticatedAt : now;
  const tokens: TokenState = {
    ...state.tokens,
    family: state.tokens.family ?? using?.familyHash(),
    pending: { hash: credential.hash, authenticatedAt, kind, madeAt: now, salt },
    replaced: remember(pending ? [asReplaced({ hash: pending.hash, until: now + grace })] : [], state.tokens, now),
  };
  return { kind: 'write', state: { ...state, tokens }, credential, authenticatedAt, made: true };
}

function handAgain(state: SessionState, pending: PendingToken, credential: Credential, now: number): RotationOutcome {
  if (pending.kind === 'plain') return { kind: 'answer', credential, authenticatedAt: pending.authenticatedAt };
  const tokens: TokenState = { ...state.tokens, pending: { ...pending, authenticatedAt: now, madeAt: now } };
  return { kind: 'write', state: { ...state, tokens }, credential, authenticatedAt: now, made: false };
}

/** For a call that the previous token admitted while it was current: the token that others got. */
function repeatLate(
  state: SessionState,
  credentials: readonly Credential[],
  kind: RotationKind,
  now: number,
): RotationOutcome {
  const { current, previous, pending } = state.tokens;
  if (!previous || pending || previous.kind !== kind || now >= previous.until) return REPLACED;
  const old = credentials.find(({ hash }) => sameHash(previous.hash, hash));
  const credential = old && derive(old, previous.salt, current);
  if (!credential) return REPLACED;
  if (kind === 'plain') return { kind: 'answer', credential, authenticatedAt: state.authenticatedAt };
  return { kind: 'write', state: { ...state, authenticatedAt: now }, credential, authenticatedAt: now, made: false };
}

/** `immediate`: a random token replaces all others. */
function endAll(
  state: SessionState,
  credential: Credential,
  kind: RotationKind,
  { now, grace }: Timing,
): RotationOutcome {
  const { current, pending, previous } = state.tokens;
  const until = now + grace;
  const ended = [asReplaced({ hash: current, until })];
  if (pending) ended.push(asReplaced({ hash: pending.hash, until }));
  if (previous) ended.push(asReplaced(previous));
  const authenticatedAt = kind === 'plain' ? state.authenticatedAt : now;
  const tokens: TokenState = {
    current: credential.hash,
    family: credential.familyHash(),
    madeAt: now,
    replaced: remember(ended, state.tokens, now),
    epoch: markOf(credential.hash),
  };
  return {
    kind: 'write',
    state: { ...withoutMigration(state), tokens, authenticatedAt },
    credential,
    authenticatedAt,
    made: true,
  };
}

/** The token that follows `from`, if it has this hash. */
function derive(from: Credential, salt: string | undefined, hash: string): Credential | null {
  if (salt === undefined) return null;
  const next = from.successor(salt);
  return sameHash(next.hash, hash) ? next : null;
}

function withoutMigration(state: SessionState): SessionState {
  const { migration: _, ...rest } = state;
  return rest;
}
