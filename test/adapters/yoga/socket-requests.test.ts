import { createYoga } from 'graphql-yoga';
import { expect, onTestFinished, test } from 'vitest';
import type { ContextOf } from '../../../examples/playground/server/graphql-sockets.js';
import { apolloSessions } from '../../../src/adapters/apollo/index.js';
import { useSession } from '../../../src/adapters/yoga/index.js';
import type { SessionContext } from '../../../src/index.js';
import { type Data, makeSchema } from './support/app.js';
import { bearer } from './support/client.js';
import { makeSessions } from './support/setup.js';
import { openSocketServer } from './support/socket.js';

const run = {
  me: ({ session }: SessionContext<Data>) => session?.data.userId ?? null,
  login: async ({ sessions }: SessionContext<Data>) =>
    (await sessions.create({ userId: 'bob', theme: 'light', views: 0 })).token,
};

/** A client of a socket whose contexts hold its request alone. */
async function connect() {
  const made = await makeSessions();
  const yoga = createYoga<object, object>({
    schema: makeSchema({ run }),
    logging: false,
    plugins: [useSession(made.sessions)],
  });
  const contextOf: ContextOf = ({ extra }) => ({ req: extra.request });
  const server = await openSocketServer(yoga.getEnveloped, contextOf);
  onTestFinished(() => server.stop());
  const client = server.connect({ headers: bearer(made.token) });
  onTestFinished(() => client.close());
  const ask = async (query: string) => (await client.execute(query)).data?.['run'];
  return { ...made, ask };
}

test('rule 15: a context of { req } for a socket looks the session up at each operation', async () => {
  const { ask, store, id } = await connect();
  expect(await ask('{ run(op: "me") }')).toBe('ann');
  await store.delete(id);
  expect(await ask('{ run(op: "me") }')).toBeNull();
});

test('rule 12: later operations of a socket with contexts of { req } begin with the session of a login', async () => {
  const { ask } = await connect();
  await ask('mutation { run(op: "login") }');
  expect(await ask('{ run(op: "me") }')).toBe('bob');
});

test('rule 15: so does a context of Apollo Server for the request of a socket', async () => {
  const { sessions, store, token, id } = await makeSessions();
  const { context } = apolloSessions(sessions);
  const req = { headers: bearer(token), upgrade: true };
  expect((await context({ req })).session?.data.userId).toBe('ann');
  await store.delete(id);
  expect((await context({ req })).session).toBeNull();
});

test('rule 15: a request is no socket because its client sends the header of one', async () => {
  const { sessions, store, token } = await makeSessions();
  const { context } = apolloSessions(sessions);
  const req = { headers: { ...bearer(token), upgrade: 'websocket' }, upgrade: false };
  const [first, second] = [await context({ req }), await context({ req })];
  expect([first.session?.id, store.calls.find]).toEqual([second.session?.id, 1]);
});
