import { strict as assert } from 'node:assert';
import { ApolloServer } from '@apollo/server';
import fastify from 'fastify';
import { Hono } from 'hono';
import { bearer, createSessions, requireSession, type Session, type SessionContextOf } from 'token-sessions';
import { apolloSessions } from 'token-sessions/apollo';
import { fastifySessions } from 'token-sessions/fastify';
import { honoSessions } from 'token-sessions/hono';
import { nextSessions } from 'token-sessions/next';
import { signedIn } from 'token-sessions/testing';
import { holds, type Same } from './same.js';

interface Data {
  user: string;
  theme?: string;
}

const sessions = createSessions<Data>({ sources: [bearer({ respond: true })] });
const { headers, context, token } = await signedIn(sessions, { user: 'ada' });
holds<Same<Session<Data> | null, typeof context.session>>();

declare module 'fastify' {
  interface FastifyRequest extends SessionContextOf<typeof sessions> {}
}

const whoAmI = (current: { readonly session: Session<Data> | null }) => requireSession(current).data.user;

// Fetch
const handled = await sessions.handle(
  new Request('http://localhost/', { headers }),
  (current) => new Response(whoAmI(current)),
);
assert.equal(await handled.text(), 'ada');

// Hono
const hono = new Hono<{ Variables: SessionContextOf<typeof sessions> }>().use(honoSessions(sessions)).get('/', (c) => {
  holds<Same<Session<Data> | null, typeof c.var.session>>();
  return c.text(whoAmI(c.var));
});
assert.equal(await (await hono.request('/', { headers })).text(), 'ada');

// Fastify
const app = fastify();
app.register(fastifySessions(sessions));
app.get('/', (request) => {
  holds<Same<Session<Data> | null, typeof request.session>>();
  return whoAmI(request);
});
assert.equal((await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })).body, 'ada');
await app.close();

// Apollo Server
const { plugin, context: apolloContext } = apolloSessions(sessions);
const server = new ApolloServer<SessionContextOf<typeof sessions>>({
  typeDefs: 'type Query { me: String }',
  resolvers: { Query: { me: (_: unknown, _args: unknown, ctx: SessionContextOf<typeof sessions>) => whoAmI(ctx) } },
  plugins: [plugin],
});
const { body } = await server.executeOperation(
  { query: '{ me }' },
  { contextValue: await apolloContext({ headers }) },
);
assert.equal(body.kind === 'single' ? body.singleResult.data?.['me'] : undefined, 'ada');
await server.stop();

// Next.js, outside of its server
const { route, action, getSession } = nextSessions(sessions);
const GET = route((current, request: Request) => new Response(`${whoAmI(current)} ${new URL(request.url).pathname}`));
assert.equal(await (await GET(new Request('http://localhost/x', { headers }))).text(), 'ada /x');
holds<Same<() => Promise<Session<Data> | null>, typeof getSession>>();
const greet = action(async ({ session }, greeting: string) => `${greeting} ${session?.data.user}`);
holds<Same<(greeting: string) => Promise<string>, typeof greet>>();
