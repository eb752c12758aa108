/** How sessions are to behave, without a store, tokens or encoding: what random histories are compared with. Times are in ms. */
export interface ModelSession {
  readonly createdAt: number;
  lastActiveAt: number;
  expiresAt: number;
  destroyed: boolean;
  data: Record<string, number>;
  /** The numbers of its tokens. */
  current: number;
  pending: number | undefined;
  previous: { readonly token: number; readonly until: number } | undefined;
}

export interface ModelLimits {
  readonly idle: number;
  readonly absolute: number;
  readonly touchInterval: number;
  readonly grace: number;
}

export function modelSession(token: number, now: number, limits: ModelLimits): ModelSession {
  const session = {
    createdAt: now,
    lastActiveAt: now,
    expiresAt: 0,
    destroyed: false,
    data: {},
    current: token,
    pending: undefined,
    previous: undefined,
  };
  noteActivity(session, now, limits);
  return session;
}

/** Every write by a request is activity. */
export function noteActivity(session: ModelSession, now: number, limits: ModelLimits): void {
  session.lastActiveAt = now;
  session.expiresAt = Math.min(now + limits.idle, session.createdAt + limits.absolute);
}

/** A request with this token: whether it opens the session, and what that writes. */
export function modelLoad(session: ModelSession, token: number, now: number, limits: ModelLimits): boolean {
  if (session.destroyed || now >= session.expiresAt) return false;
  if (token === session.pending) {
    session.previous = { token: session.current, until: now + limits.grace };
    session.current = token;
    session.pending = undefined;
    noteActivity(session, now, limits);
    return true;
  }
  const inGrace = token === session.previous?.token && now < session.previous.until;
  if (token !== session.current && !inGrace) return false;
  if (now - session.lastActiveAt >= limits.touchInterval) noteActivity(session, now, limits);
  return true;
}

/** A rotation by a request that has opened the session. */
export function modelRotate(session: ModelSession, token: number, immediate: boolean, now: number): void {
  if (!immediate) {
    session.pending = token;
    return;
  }
  session.previous = { token: session.current, until: now };
  session.current = token;
  session.pending = undefined;
}
