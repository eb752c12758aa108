import { type ModelCall, TokenModel } from './token-model.js';

/**
 * The expected behaviour of sessions, without a store or encoding. Random histories are compared
 * with it. Times are in ms.
 */
export interface ModelSession {
  readonly createdAt: number;
  lastActiveAt: number;
  expiresAt: number;
  destroyed: boolean;
  data: Record<string, number>;
  readonly tokens: TokenModel;
}

export interface ModelLimits {
  readonly idle: number;
  readonly absolute: number;
  readonly touchInterval: number;
  readonly grace: number;
}

export function modelSession(now: number, limits: ModelLimits): ModelSession {
  const tokens = new TokenModel(limits.grace, now);
  const session = { createdAt: now, lastActiveAt: now, expiresAt: 0, destroyed: false, data: {}, tokens };
  noteActivity(session, now, limits);
  return session;
}

/** Every write by a request is activity. */
export function noteActivity(session: ModelSession, now: number, limits: ModelLimits): void {
  session.lastActiveAt = now;
  session.expiresAt = Math.min(now + limits.idle, session.createdAt + limits.absolute);
}

export function isAlive({ destroyed, expiresAt }: ModelSession, now: number): boolean {
  return !destroyed && now < expiresAt;
}

/** A request with the token of this number. Returns the call that it admits, or `null`. */
export function modelLoad(session: ModelSession, token: number, now: number, limits: ModelLimits): ModelCall | null {
  if (!isAlive(session, now)) return null;
  const [match] = session.tokens.matches(token, now);
  if (match === 'pending') session.tokens.use(token, now);
  else if (match !== 'current' && match !== 'grace') return null;
  if (match === 'pending' || now - session.lastActiveAt >= limits.touchInterval) noteActivity(session, now, limits);
  return { tokens: [token], replaced: match === 'grace' };
}
