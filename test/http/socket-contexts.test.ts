import { initTRPC } from '@trpc/server';
import { describe, expect, test } from 'vitest';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { cookie } from '../../src/index.js';
import { type Data, requestOf, setUp } from './support/handle.js';

const UPGRADE = { upgrade: 'websocket' };

describe.each([
  ['fromHeaders', 'headers'],
  ['fromRequest', 'request'],
] as const)('a context of %s for the request of a WebSocket', (_name, of) => {
  async function connect(more: Readonly<Record<string, string>> = UPGRADE) {
    const made = setUp();
    const { sessions } = made;
    const { token, id } = await sessions.create({ userId: 'ann' });
    const request = requestOf(token, { headers: { ...more } });
    const context = await (of === 'headers' ? sessions.fromHeaders(request.headers) : sessions.fromRequest(request));
    return { ...made, context, id };
  }

  test('rule 15: looks the session up at each load()', async () => {
    const { context, store, id } = await connect();
    expect(context.session?.data.userId).toBe('ann');
    await store.delete(id);
    expect(await context.sessions.load()).toBeNull();
  });

  test('rules 5 and 15: serves no session that has ended elsewhere to procedures of tRPC', async () => {
    const { context, sessions, store, id } = await connect();
    const { requireSession, withSession } = trpcSessions<Data, Data>(sessions);
    const t = initTRPC.context<typeof context>().create();
    const router = t.router({
      who: t.procedure.concat(requireSession).query(({ ctx }) => ctx.session.data.userId),
      login: t.procedure.concat(withSession).mutation(async ({ ctx }) => {
        await ctx.sessions.create({ userId: 'bob' });
      }),
    });
    // The server of a socket passes a signal with each call of the client.
    const caller = router.createCaller(context, { signal: new AbortController().signal });
    expect(await caller.who()).toBe('ann');
    await store.delete(id);
    await expect(caller.who()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    await caller.login();
    expect(await caller.who()).toBe('bob');
  });

  test('and one of any other request loads once', async () => {
    const { context, store, id } = await connect({});
    await store.delete(id);
    expect((await context.sessions.load())?.data.userId).toBe('ann');
  });
});

test('a login on a socket is refused where a source must write, because nothing answers it', async () => {
  const { sessions } = setUp({ sources: [cookie()] });
  const { sessions: own } = await sessions.fromHeaders(UPGRADE);
  await expect(own.create({ userId: 'ann' })).rejects.toMatchObject({ code: 'HEADERS_SENT' });
});
