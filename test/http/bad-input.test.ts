import { initTRPC } from '@trpc/server';
import { expect, test } from 'vitest';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { publicError } from '../../src/http/errors.js';
import { createSessions, requireSession, type SessionContext, SessionError } from '../../src/index.js';

const sessions = createSessions<{ userId: string }>();
/** Values that a JavaScript program, or one that does not check its types, may pass. */
const wrong = <Value>(value: unknown): Value => value as Value;

test.each([undefined, null, 'text', {}, sessions.fromHeaders({})])(
  'requireSession(%j) says that the context has no session',
  (context) => {
    expect(() => requireSession(wrong<SessionContext<unknown>>(context))).toThrow(
      expect.objectContaining({ code: 'NOT_SUPPORTED', message: expect.stringContaining('useSession') }),
    );
  },
);

test.each([undefined, null, 'authorization: x', [['authorization', 'x']]])(
  'fromHeaders(%j) says which headers it accepts',
  async (headers) => {
    await expect(sessions.fromHeaders(wrong(headers))).rejects.toMatchObject({
      code: 'NOT_SUPPORTED',
      message: expect.stringContaining('a Headers object, or a record'),
    });
  },
);

test.each([null, undefined, {}, { user: 1 }])(
  'a guard of tRPC on the context %j says what createContext is for',
  async (context) => {
    const { requireSession, createContext } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({ me: t.procedure.concat(requireSession).query(() => 'in') });
    await expect(router.createCaller(wrong<SessionContext<{ userId: string }>>(context)).me()).rejects.toMatchObject({
      code: 'INTERNAL_SERVER_ERROR',
      message: expect.stringContaining('the log of the server says what to change'),
      cause: { message: expect.stringContaining('createContext') },
    });
  },
);

test.each(['NOT_SUPPORTED', 'INVALID_OPTION', 'HEADERS_SENT'] as const)(
  'a client that receives %s learns the code and the remedy, not the details',
  (code) => {
    const told = publicError(new SessionError(code, 'detail of the server'));
    expect(told).toMatchObject({ code, status: 500 });
    expect(told.message).toMatch(/the log of the server|a request that does not stream/);
  },
);
