import {
  createSessions,
  isSessionError,
  memoryStore,
  type NewSession,
  type Session,
  type SessionContext,
  type SessionContextOf,
  type SessionOf,
} from 'token-sessions';
import { z } from 'zod';
import { holds, type Same } from './same.js';

export interface Data {
  userId: string;
  views: number;
}

export interface Input {
  userId: string;
  views?: number | undefined;
}

/** With a schema: `create` takes its input, `data` is its output. */
export const sessions = createSessions({
  store: memoryStore(),
  schema: z.object({ userId: z.string(), views: z.number().default(0) }),
  ownerOf: (data) => data.userId,
  idleTimeout: '1h',
});

const created = await sessions.create({ userId: 'ada' });
holds<Same<typeof created.token, string>>();
holds<Same<(typeof created)['data'], Data>>();
holds<Same<Parameters<typeof sessions.create>[0], Input>>();
holds<Same<typeof created, NewSession<Data>>>();

const found = await sessions.find(created.id);
holds<Same<typeof found, Session<Data> | null>>();

const context = await sessions.fromHeaders({ authorization: `Bearer ${created.token}` });
holds<Same<typeof context, SessionContext<Data, Input>>>();
holds<Same<SessionContextOf<typeof sessions>, SessionContext<Data, Input>>>();
holds<Same<SessionOf<typeof sessions>, Session<Data>>>();
if (context.session?.data.userId !== 'ada') throw new Error('the session was not found by its token');

/** With a type argument. */
const typed = createSessions<Data>({ ownerOf: (data) => data.userId });
holds<Same<Parameters<typeof typed.create>[0], Data>>();

try {
  // @ts-expect-error: the duration has no such unit
  createSessions({ idleTimeout: '5 minutes' });
  throw new Error('a wrong option was accepted');
} catch (error) {
  if (!isSessionError(error) || error.code !== 'INVALID_OPTION') throw error;
}
