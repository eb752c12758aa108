import { initTRPC } from '@trpc/server';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { bearer, cookie, createSessions, header, type SessionContext, type TokenSource } from '../../src/index.js';
import { signedIn } from '../../src/testing/index.js';

interface Data {
  userId: string;
  theme?: string;
}

describe('signedIn', () => {
  test.each<[string, TokenSource, string]>([
    ['bearer()', bearer(), 'authorization'],
    ['header()', header('x-auth-token'), 'x-auth-token'],
    ['cookie()', cookie(), 'cookie'],
  ])('sends the token so that %s reads it', async (_, source, name) => {
    const sessions = createSessions<Data>({ sources: [source] });
    const { headers, token, context } = await signedIn(sessions, { userId: 'ada' });
    expect([...headers.keys()]).toEqual([name]);
    expect(headers.get(name)).toContain(token);
    const answer = await sessions.handle(new Request('https://app.example/', { headers }), ({ session }) =>
      Response.json(session?.data),
    );
    expect(await answer.json()).toEqual({ userId: 'ada' });
    expect(context.session?.data).toEqual({ userId: 'ada' });
    expectTypeOf(context).toEqualTypeOf<SessionContext<Data>>();
  });

  test('its context serves a server-side caller of tRPC', async () => {
    const sessions = createSessions<Data>();
    const { requireSession, createContext } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({
      setTheme: t.procedure.concat(requireSession).mutation(({ ctx }) => {
        ctx.session.data.theme = 'dark';
      }),
    });
    const { context, token } = await signedIn(sessions, { userId: 'ada' });
    await router.createCaller(context).setTheme();
    expect((await sessions.fromToken(token)).session?.data.theme).toBe('dark');
  });

  test('a foreign source is refused with the remedy, and leaves no session', async () => {
    const own: TokenSource = { name: 'query', read: () => undefined };
    const sessions = createSessions<Data>({ sources: [own] });
    await expect(signedIn(sessions, { userId: 'ada' })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' });
    expect(await sessions.count()).toBe(0);
  });
});
