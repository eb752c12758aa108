import { initTRPC } from '@trpc/server';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { trpcSessions } from '../../src/adapters/trpc/index.js';
import { useSession } from '../../src/adapters/yoga/index.js';
import { createSessions, header, memoryStore, requireSession, type SessionContext } from '../../src/index.js';
import { expressLegacy } from '../../src/stores/express-store/index.js';

/** Sessions after a deploy whose schema refuses the records of before. */
async function setUp() {
  const store = memoryStore();
  const { token } = await createSessions<{ userId: number }>({ store }).create({ userId: 7 });
  const sessions = createSessions({ store, schema: z.object({ userId: z.string() }) });
  return { sessions, token, headers: { authorization: `Bearer ${token}` } };
}

const REFUSED = { code: 'INVALID_DATA', status: 500, message: expect.stringContaining('data.userId') };

describe('a stored session that the schema refuses', () => {
  test('rule 26: is a failure inside the server, in each context', async () => {
    const { sessions, token, headers } = await setUp();
    await expect(sessions.fromToken(token)).rejects.toMatchObject(REFUSED);
    await expect(sessions.fromHeaders(headers)).rejects.toMatchObject(REFUSED);
    const request = new Request('https://app.example/', { headers });
    const answer = await sessions.handle(request, (context) => Response.json(requireSession(context).data));
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('userId');
  });

  test('rule 26: is INTERNAL_SERVER_ERROR in tRPC', async () => {
    const { sessions, headers } = await setUp();
    const { createContext, requireSession: required } = trpcSessions(sessions);
    const t = initTRPC.context<typeof createContext>().create();
    const router = t.router({ me: t.procedure.concat(required).query(({ ctx }) => ctx.session.data.userId) });
    const me = t.createCallerFactory(router)(createContext({ headers })).me();
    await expect(me).rejects.toMatchObject({ code: 'INTERNAL_SERVER_ERROR' });
  });

  test('rule 26: is INTERNAL_SERVER_ERROR in GraphQL', async () => {
    const { sessions, headers } = await setUp();
    const schema = createSchema<SessionContext<{ userId: string }>>({
      typeDefs: 'type Query { me: String }',
      resolvers: {
        Query: { me: (_parent, _args, context) => requireSession(context).data.userId },
      },
    });
    const yoga = createYoga({ schema, plugins: [useSession(sessions)], logging: false });
    const body = JSON.stringify({ query: '{ me }' });
    const init = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body };
    const answer = await yoga.fetch('https://app.example/graphql', init);
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }] });
  });

  test('rule 26: is present for requireSession, as its token is verified: its user can still log out', async () => {
    const { sessions, headers } = await setUp();
    const steps: string[] = [];
    const answer = await sessions.handle(new Request('https://app.example/', { headers }), async (context) => {
      const session = requireSession(context);
      steps.push('required');
      expect(() => session.data).toThrow(expect.objectContaining(REFUSED));
      await session.destroy();
      steps.push('ended');
      return new Response();
    });
    expect([answer.status, steps, await sessions.count()]).toEqual([200, ['required', 'ended'], 0]);
  });

  test('rule 26: is a failure inside the server if another library stored it', async () => {
    const old = {
      get: (_sid: string, callback: (error: unknown, session: object) => void) => callback(null, { userId: 7 }),
      set: () => undefined,
      destroy: () => undefined,
    };
    const sources = [header('x-token', { legacy: expressLegacy(old) })];
    const sessions = createSessions({ sources, schema: z.object({ userId: z.string() }) });
    await expect(sessions.fromHeaders({ 'x-token': 'an-old-token' })).rejects.toMatchObject(REFUSED);
  });

  test('rule 26: what a call changes is still its own fault, and 422', async () => {
    const sessions = createSessions({ schema: z.object({ userId: z.string() }) });
    const { token } = await sessions.create({ userId: 'ann' });
    const { session } = await sessions.fromToken(token);
    const update = session?.update((data) => Object.assign(data, { userId: 7 }));
    await expect(update).rejects.toMatchObject({ code: 'INVALID_DATA', status: 422 });
  });
});

test('rule 26: a record whose token cannot be verified is not present for requireSession', async () => {
  const store = memoryStore();
  const sessions = createSessions<{ userId: string }>({ store });
  const { token, id } = await sessions.create({ userId: 'ann' });
  const record = await store.find(id);
  if (record) await store.replace({ ...record, version: 'x', body: '{' }, record.version, 1_000_000);
  const steps: string[] = [];
  const headers = { authorization: `Bearer ${token}` };
  const answer = await sessions.handle(new Request('https://app.example/', { headers }), (context) => {
    steps.push('asked');
    requireSession(context);
    steps.push('required');
    return new Response();
  });
  expect([answer.status, steps]).toEqual([500, ['asked']]);
});

describe('a stored session about which the schema throws', () => {
  const broken = z.object({ userId: z.string(), cart: z.string() }).transform((data) => {
    if (data.cart !== '') throw new Error('not a cart');
    return data;
  });

  async function setUpBroken(onInvalidData: 'reject' | 'anonymous') {
    const store = memoryStore();
    const ownerOf = (data: { userId: string }) => data.userId;
    const before = createSessions<{ userId: string; cart: string }>({ store, ownerOf });
    await before.create({ userId: 'ann', cart: '' });
    const { token } = await before.create({ userId: 'ann', cart: 'a book' });
    return { before, token, after: createSessions({ store, ownerOf, onInvalidData, schema: broken }) };
  }

  test('rule 6: is one that the schema refuses', async () => {
    const { token, after } = await setUpBroken('reject');
    await expect(after.fromToken(token)).rejects.toMatchObject({ code: 'INVALID_DATA', status: 500 });
    const { token: same, after: lenient } = await setUpBroken('anonymous');
    expect((await lenient.fromToken(same)).session).toBeNull();
  });

  test('rule 26: does not spoil the list of its account, and its user can log out', async () => {
    const { before, token, after } = await setUpBroken('reject');
    expect(await after.listFor('ann')).toHaveLength(1);
    const request = new Request('https://app.example/', { headers: { authorization: `Bearer ${token}` } });
    const answer = await after.handle(request, async ({ session }) => {
      await session?.destroy();
      return new Response('bye');
    });
    expect([answer.status, (await before.listFor('ann')).length]).toEqual([200, 1]);
  });
});
