import { bearer, createSessions, type SessionContextOf, type SessionOf, type SessionStore } from 'token-sessions';
import { z } from 'zod';

/** How long after a login, or after the last password, the recovery code may be read. */
export const FRESH_FOR = '15s';

const schema = z.object({
  userId: z.string(),
  device: z.string(),
  count: z.number().default(0),
});

/** The one `createSessions` that tRPC and GraphQL share. */
export function openSessions(store: SessionStore, now: () => number) {
  return createSessions({
    store,
    schema,
    ownerOf: (data) => data.userId,
    // New tokens also travel in the header Session-Token: procedures need not return them.
    sources: [bearer({ respond: true })],
    now,
  });
}

export type PlaygroundSessions = ReturnType<typeof openSessions>;
export type PlaygroundContext = SessionContextOf<PlaygroundSessions>;
export type PlaygroundSession = SessionOf<PlaygroundSessions>;
