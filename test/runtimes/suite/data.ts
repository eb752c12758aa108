import { cookie, createSessions, type SessionStore, type SessionsOptions } from 'token-sessions';

/** The data of the sessions that the checks of hosts use. */
export interface Data {
  userId: string;
  views: number;
  theme?: string;
}

export const ADA: Data = { userId: 'ada', views: 0 };

/** Sessions with an owner, on this store. */
export function sessionsOn(store: SessionStore, options: Omit<SessionsOptions<Data>, 'store' | 'ownerOf'> = {}) {
  return createSessions<Data>({ store, ownerOf: ({ userId }) => userId, ...options });
}

/** As above, with the token in a cookie. */
export function cookieSessionsOn(store: SessionStore) {
  return sessionsOn(store, { sources: [cookie()] });
}

/** The `Cookie` header that a browser sends after this response. */
export function cookieOf(response: Response): string {
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}
