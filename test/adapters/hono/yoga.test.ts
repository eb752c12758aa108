import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { createSchema, createYoga } from 'graphql-yoga';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';
import { honoSessions } from '../../../src/adapters/hono/index.js';
import { requireSession, useSession } from '../../../src/adapters/yoga/index.js';
import { cookie, createSessions, type SessionContextOf } from '../../../src/index.js';
import { gate } from '../../support/gate.js';

const sessions = createSessions<{ userId: string }>({ sources: [cookie('sid', { secure: false })] });
type Context = SessionContextOf<typeof sessions>;

/** Yoga behind the sessions of Hono, on a Node server. There, Yoga's responses are a ponyfill. */
async function setUp() {
  const closed = gate();
  const schema = createSchema<Context>({
    typeDefs: 'type Query { x: Int } type Mutation { login: String } type Subscription { ticks: String }',
    resolvers: {
      Mutation: {
        login: async (_: unknown, _args: unknown, ctx: Context) => (await ctx.sessions.create({ userId: 'bob' })).id,
      },
      Subscription: {
        ticks: {
          async *subscribe(_: unknown, _args: unknown, ctx: Context) {
            try {
              for (;;) {
                yield { ticks: requireSession(ctx).data.userId };
                await new Promise((resolve) => setTimeout(resolve, 5));
              }
            } finally {
              closed.open();
            }
          },
        },
      },
    },
  });
  const yoga = createYoga<object, Context>({ schema, logging: false, plugins: [useSession(sessions)] });
  const app = new Hono<{ Variables: Context }>();
  app.use(honoSessions(sessions));
  app.use('/graphql', async (c) => yoga.fetch(c.req.raw));
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' });
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/graphql`;
  const send = (query: string, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    });
  return { send, closed };
}

test('rule 24: a login through Yoga is answered, with its cookie', async () => {
  const { send } = await setUp();
  const answer = await send('mutation { login }');
  const body = await answer.json();
  expect([answer.status, body]).toEqual([200, { data: { login: expect.any(String) } }]);
  expect(answer.headers.getSetCookie()).toEqual([expect.stringContaining(`sid=ts_${body.data.login}.`)]);
});

test('a subscription through Yoga sends its events, and ends when the client leaves', async () => {
  const { send, closed } = await setUp();
  const { token } = await sessions.create({ userId: 'ann' });
  const answer = await send('subscription { ticks }', { accept: 'text/event-stream', cookie: `sid=${token}` });
  expect(answer.status).toBe(200);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes('"ticks":"ann"')) text += (await reader?.read())?.value ?? '';
  await reader?.cancel();
  await closed.opened;
});
