import { createSessions, type SessionContext, type SessionStore } from 'token-sessions';
import { z } from 'zod';

/** The data of a session of this application. */
const schema = z.object({
  userId: z.string(),
  views: z.number().default(0),
  theme: z.enum(['light', 'dark']).default('light'),
  plan: z.enum(['free', 'pro']).default('free'),
});

/** The `createSessions` that tRPC and GraphQL share. */
export function openSessions(store: SessionStore) {
  return createSessions({ store, schema, ownerOf: (data) => data.userId });
}

export type DemoSessions = ReturnType<typeof openSessions>;
/** The context of a GraphQL resolver. */
export type DemoContext = SessionContext<z.output<typeof schema>, z.input<typeof schema>>;
