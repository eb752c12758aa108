import { decodeRecord, encodeBody } from '../../../../src/core/record/codec.js';
import { recognise, standingOf, type TokenMatch } from '../../../../src/core/record/match.js';
import {
  firstUse,
  type Holder,
  type RotationOutcome,
  type RotationRequest,
  rotate,
} from '../../../../src/core/record/rotation.js';
import type { SessionState } from '../../../../src/core/record/state.js';
import { type Credential, newCredential } from '../../../../src/core/record/token.js';

export const GRACE = 10_000;
export const START = Date.UTC(2030, 0, 1);

/** A state as a store returns it. */
export function stored(state: SessionState, id = newCredential().id): SessionState {
  const body = encodeBody(state, 65_536);
  return decodeRecord({ id, version: 'v', createdAt: START, expiresAt: START, body });
}

/** A session, its record and a clock, with the pure functions as a kernel calls them. */
export class Bench {
  now = START;
  grace = GRACE;
  state: SessionState;
  readonly first: Credential;

  constructor(first: Credential = newCredential(), fields: Partial<SessionState> = {}) {
    this.first = first;
    const tokens = { current: first.hash, family: first.familyHash() };
    this.state = { tokens, authenticatedAt: START, lastActiveAt: START, stored: { userId: 'ann' }, ...fields };
  }

  /** A request with this token, which admits a call or is refused. */
  open(credential: Credential): Holder | Exclude<TokenMatch, 'current' | 'pending' | 'grace'> {
    const match = recognise(this.state.tokens, credential, this.now);
    if (match === 'pending') this.#write(firstUse(this.state, credential, this));
    if (match === 'current' || match === 'pending' || match === 'grace')
      return { credentials: [credential], replaced: match === 'grace' };
    return match;
  }

  /** An admitted call. */
  call(credential: Credential): Holder {
    const holder = this.open(credential);
    if (typeof holder === 'string') throw new Error(`the token is ${holder}`);
    return holder;
  }

  rotate(holder: Holder | null, request: RotationRequest = {}): RotationOutcome {
    const outcome = rotate(this.state, this.first.id, holder, request, this);
    if (outcome.kind === 'write') this.#write(outcome.state);
    return outcome;
  }

  /** The new token of a rotation that must succeed. */
  rotated(holder: Holder | null, request: RotationRequest = {}): Credential {
    const outcome = this.rotate(holder, request);
    if (outcome.kind === 'refuse') throw new Error(`refused: ${outcome.why}`);
    return outcome.credential;
  }

  /** Rotates by this token, and uses the new one. */
  replace(credential: Credential, request: RotationRequest = {}): Credential {
    const next = this.rotated(this.call(credential), request);
    this.call(next);
    return next;
  }

  authenticatedAt(credential: Credential): number | undefined {
    return standingOf(this.state, [credential], this.now)?.authenticatedAt;
  }

  #write(state: SessionState): void {
    this.state = stored(state);
  }
}
